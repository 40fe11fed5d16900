/* Fields of a request's head -> struct psv_request, with the limits and the rules that the library leaves to
 * us (RFC 9113 8.2 and 8.3; it has checked pseudo-fields, names, values and connection-specific fields).
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "session.h"

#include "base/error.h"
#include "http/authority.h"
#include "http/body_framing.h"
#include "http/target.h"
#include "observe/metrics.h"

/* So far beyond the limit of a head nobody is mistaken any more: the connection ends.  Until then the rest of
 * the head is decoded and dropped, so that the client gets its 431. */
#define HEAD_BYTES_FACTOR 8

static void note_refusal(struct psv_h2_stream *stream, unsigned status, const char *reason)
{
    if (stream->refusal_status == 0) {
        stream->refusal_status = status;
        stream->refusal_reason = reason;
    }
}

static struct psv_bytes copy(struct psv_h2_stream *stream, struct psv_bytes text)
{
    struct psv_bytes copied = psv_arena_copy(&stream->exchange->arena, text);

    if (copied.data == NULL) {
        note_refusal(stream, 431, "header fields too large");
    }
    return copied;
}

static void take_pseudo_field(struct psv_h2_stream *stream, struct psv_bytes name, struct psv_bytes value)
{
    struct psv_request *request = &stream->exchange->request;

    if (psv_bytes_equal(name, PSV_BYTES(":method"))) {
        request->method_text = copy(stream, value);
        request->method = psv_method_find(value);
    } else if (psv_bytes_equal(name, PSV_BYTES(":path"))) {
        if (value.len > stream->h2->config->target_bytes_max) {
            note_refusal(stream, 414, "request target too long");
        } else {
            request->target = copy(stream, value);
        }
    } else if (psv_bytes_equal(name, PSV_BYTES(":authority"))) {
        request->authority = copy(stream, value);
    }
    /* :scheme says what the client means, not how it came here: that is the connection's to say */
}

int psv_h2_request_add(struct psv_h2_stream *stream, struct psv_bytes name, struct psv_bytes value)
{
    const struct psv_h2_config *config = stream->h2->config;
    struct psv_request *request = &stream->exchange->request;

    stream->header_bytes += name.len + value.len + 1;
    if (stream->header_bytes > config->header_bytes_max * HEAD_BYTES_FACTOR) {
        psv_h2_punish(stream->h2, PSV_METRIC_HTTP2_ABUSE_HEADERS, "HEADERS");
        return 0;
    }
    if (stream->head_is_done) { /* trailers never become request fields */
        if (stream->header_bytes > config->header_bytes_max && !stream->is_aborted) {
            stream->is_aborted = true;
            (void)!nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                             NGHTTP2_ENHANCE_YOUR_CALM);
        }
        return 0;
    }
    if (name.len > 0 && name.data[0] == ':') {
        if (stream->refusal_status == 0) {
            take_pseudo_field(stream, name, value);
        }
        return 0;
    }
    stream->field_bytes += name.len + value.len + 4; /* as they would count as text */
    if (stream->field_bytes > config->header_bytes_max) {
        note_refusal(stream, 431, "header fields too large");
    }
    if (stream->refusal_status != 0) {
        return 0;
    }
    struct psv_bytes own_name = copy(stream, name);
    struct psv_bytes own_value = copy(stream, value);
    if (stream->refusal_status == 0) {
        int code = psv_headers_add(&request->headers, &stream->exchange->arena, own_name, own_value);
        if (code != PSV_OK) {
            note_refusal(stream, 431,
                         code == PSV_ELIMIT ? "too many header fields" : "header fields too large");
        }
    }
    return 0;
}

/* RFC 9113 8.2.3: crumbs of a cookie are put together again, for those who know but one field. */
static void join_cookies(struct psv_h2_stream *stream)
{
    struct psv_headers *headers = &stream->exchange->request.headers;
    unsigned kept = 0;
    bool has_cookie = false;

    if (psv_headers_count(headers, PSV_FIELD_COOKIE) < 2) {
        return;
    }
    struct psv_bytes joined =
        psv_headers_join(headers, &stream->exchange->arena, PSV_FIELD_COOKIE, PSV_BYTES("; "));
    if (joined.data == NULL) {
        note_refusal(stream, 431, "header fields too large");
        return;
    }
    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id == PSV_FIELD_COOKIE) {
            if (has_cookie) {
                continue;
            }
            has_cookie = true;
            headers->items[i].value = joined;
        }
        headers->items[kept++] = headers->items[i];
    }
    headers->len = kept;
}

/* Scripts see the authority as the Host field (RFC 9113 8.3.1). */
static int add_host(struct psv_request *request, struct psv_arena *arena)
{
    if (request->authority.len == 0 || psv_headers_find(&request->headers, PSV_FIELD_HOST) != NULL) {
        return PSV_OK; /* the two agree: psv_host_resolve has looked */
    }
    return psv_headers_add_known(&request->headers, arena, PSV_FIELD_HOST, request->authority);
}

static void check_target(struct psv_h2_stream *stream)
{
    struct psv_request *request = &stream->exchange->request;

    if (request->method == PSV_METHOD_CONNECT) {
        note_refusal(stream, 501, "CONNECT is not supported");
        return;
    }
    struct psv_bytes authority = request->authority;
    if (request->target.len == 0 || (request->target.data[0] != '/' && request->target.data[0] != '*')) {
        note_refusal(stream, 400, "malformed request target");
        return;
    }
    switch (psv_target_parse(&stream->exchange->arena, request->method, request->target, request)) {
    case PSV_OK:
        break;
    case PSV_ENOMEM:
        note_refusal(stream, 500, "out of memory");
        return;
    default:
        note_refusal(stream, 400, "malformed request target");
        return;
    }
    request->authority = authority;
    if (psv_host_resolve(request) != PSV_OK) {
        note_refusal(stream, 400, "missing, repeated or malformed authority");
    } else if (add_host(request, &stream->exchange->arena) != PSV_OK) {
        note_refusal(stream, 431, "too many header fields");
    }
}

static void check_body(struct psv_h2_stream *stream, bool is_end)
{
    struct psv_request *request = &stream->exchange->request;
    struct psv_body_framing framing;

    if (psv_body_framing_decide(request, &framing) != PSV_OK) {
        note_refusal(stream, framing.status, framing.reason);
        return;
    }
    request->has_body = !is_end;
    request->content_length = framing.kind == PSV_BODY_FRAMING_LENGTH ? (int64_t)framing.length
                              : is_end                                ? 0
                                                                      : -1;
}

/* RFC 9110 10.1.1: 100-continue is the one expectation there is. */
static bool expects_continue(struct psv_h2_stream *stream)
{
    const struct psv_headers *headers = &stream->exchange->request.headers;
    bool expects = false;

    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id == PSV_FIELD_EXPECT) {
            expects = psv_bytes_equal_case(headers->items[i].value, PSV_BYTES("100-continue"));
            if (!expects) {
                note_refusal(stream, 417, "unknown expectation");
                return false;
            }
        }
    }
    return expects;
}

void psv_h2_request_finish_head(struct psv_h2_stream *stream, bool is_end)
{
    struct psv_exchange *exchange = stream->exchange;
    bool expects = false;

    stream->head_is_done = true;
    stream->header_bytes = 0; /* from here on those of the trailers */
    if (stream->refusal_status == 0) {
        join_cookies(stream);
    }
    if (stream->refusal_status == 0) {
        check_body(stream, is_end);
    }
    if (stream->refusal_status == 0) {
        check_target(stream);
    }
    if (stream->refusal_status == 0) {
        expects = expects_continue(stream);
    }
    if (stream->refusal_status != 0) {
        psv_metric_inc(PSV_METRIC_PARSER_ERRORS);
        psv_exchange_refuse(exchange, stream->refusal_status, stream->refusal_reason, NULL, 0);
        return;
    }
    stream->keeps_body = exchange->host->on_head(exchange) == PSV_BODY_KEEP;
    if (stream->keeps_body && expects && !is_end) {
        exchange->codec->inform(exchange, 100, NULL);
    }
}
