/* The rules of a request head; see request_rules.h.
 *
 * SPDX-License-Identifier: MIT */
#include "request_rules.h"

#include "base/error.h"
#include "http/authority.h"
#include "http/body_framing.h"
#include "http/connection.h"
#include "http/target.h"

static int fail(struct psv_request_rules_result *result, unsigned status, const char *reason)
{
    result->status = status;
    result->reason = reason;
    return PSV_ESYNTAX;
}

static int check_target(struct psv_request *request, struct psv_arena *arena,
                        struct psv_request_rules_result *result)
{
    switch (psv_target_parse(arena, request->method, request->target, request)) {
    case PSV_OK:
        return PSV_OK;
    case PSV_EUNSUPPORTED:
        return fail(result, 501, "CONNECT is not supported");
    case PSV_ENOMEM:
        return fail(result, 500, "out of memory");
    default:
        return fail(result, 400, "malformed request target");
    }
}

/* RFC 9110 10.1.1: 100-continue is the one expectation there is. */
static int check_expect(struct psv_request *request, struct psv_request_rules_result *result)
{
    if (psv_headers_lack(&request->headers, PSV_FIELD_EXPECT)) {
        return PSV_OK;
    }
    for (unsigned i = 0; i < request->headers.len; i++) {
        const struct psv_field *field = &request->headers.items[i];
        if (field->id != PSV_FIELD_EXPECT) {
            continue;
        }
        if (!psv_bytes_equal_case(field->value, PSV_BYTES("100-continue"))) {
            return fail(result, 417, "unknown expectation");
        }
        result->expects_continue = request->version == PSV_HTTP_1_1;
    }
    return PSV_OK;
}

/* RFC 1945 7.2.2: without a length these make no sense in HTTP/1.0; what follows could be anything. */
static bool brings_content(const struct psv_request *request)
{
    return request->method == PSV_METHOD_POST || request->method == PSV_METHOD_PUT ||
           request->method == PSV_METHOD_PATCH;
}

/* The target's authority takes the place of the Host field (RFC 9112 3.2.2): scripts see one host, the right
 * one. */
static int replace_host(struct psv_request *request, struct psv_arena *arena)
{
    for (unsigned i = 0; i < request->headers.len; i++) {
        if (request->headers.items[i].id == PSV_FIELD_HOST) {
            request->headers.items[i].value = request->authority;
            return PSV_OK;
        }
    }
    return psv_headers_add_known(&request->headers, arena, PSV_FIELD_HOST, request->authority);
}

int psv_h1_request_check(struct psv_request *request, struct psv_arena *arena,
                         struct psv_request_rules_result *ret_result)
{
    struct psv_body_framing framing;

    if (psv_body_framing_decide(request, &framing) != PSV_OK) {
        return fail(ret_result, framing.status, framing.reason);
    }
    if (request->version == PSV_HTTP_1_0 && framing.kind == PSV_BODY_FRAMING_NONE &&
        brings_content(request)) {
        return fail(ret_result, 411, "HTTP/1.0 request without Content-Length");
    }
    request->has_body = framing.kind == PSV_BODY_FRAMING_CHUNKED || framing.length > 0;
    request->content_length = framing.kind == PSV_BODY_FRAMING_CHUNKED ? -1 : (int64_t)framing.length;
    int code = check_target(request, arena, ret_result);
    if (code != PSV_OK) {
        return code;
    }
    bool is_absolute = request->authority.len > 0;
    if (psv_host_resolve(request) != PSV_OK) {
        return fail(ret_result, 400, "missing, repeated or malformed Host");
    }
    if (is_absolute && replace_host(request, arena) != PSV_OK) {
        return fail(ret_result, 431, "too many header fields");
    }
    ret_result->wants_keep_alive = psv_connection_persists(request);
    return check_expect(request, ret_result);
}
