/* The end of a request's body, from Content-Length and Transfer-Encoding (RFC 9112 6).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "body_framing.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "request.h"

static int refuse(struct psv_body_framing *ret, unsigned status, const char *reason)
{
    *ret = (struct psv_body_framing){.kind = PSV_BODY_FRAMING_NONE, .status = status, .reason = reason};
    return status == 501 ? PSV_EUNSUPPORTED : PSV_ESYNTAX;
}

/* What the transfer codings of all fields amount to. */
struct codings {
    bool is_malformed;
    bool has_chunked;
    bool has_chunked_twice;
    bool is_chunked_last;
    bool has_other;
};

/* RFC 9110 5.6.1 would have empty members ignored; here they are where two servers could read two things. */
static void read_codings(struct psv_bytes list, struct codings *codings)
{
    struct psv_bytes coding;

    if (list.len == 0 || list.data[list.len - 1] == ',') {
        codings->is_malformed = true;
        return;
    }
    while (psv_bytes_split(&list, ',', &coding)) {
        coding = psv_bytes_trim(coding);
        coding = psv_bytes_trim(psv_bytes_first(coding, psv_bytes_find(coding, ';')));
        if (!psv_field_name_is_valid(coding)) {
            codings->is_malformed = true;
        } else if (psv_bytes_equal_case(coding, PSV_BYTES("chunked"))) {
            codings->has_chunked_twice |= codings->has_chunked;
            codings->has_chunked = true;
            codings->is_chunked_last = true;
        } else {
            codings->has_other = true;
            codings->is_chunked_last = false;
        }
    }
}

/* "chunked" takes no parameters, and of the codings that do none is spoken here: a ';' only ever leads to a
 * refusal. */
static bool has_parameter(const struct psv_headers *headers)
{
    for (unsigned i = 0; i < headers->len; i++) {
        const struct psv_field *field = &headers->items[i];
        if (field->id == PSV_FIELD_TRANSFER_ENCODING &&
            psv_bytes_find(field->value, ';') < field->value.len) {
            return true;
        }
    }
    return false;
}

static int decide_by_codings(const struct psv_request *request, struct psv_body_framing *ret)
{
    const struct psv_headers *headers = &request->headers;
    struct codings codings = {0};

    if (request->version == PSV_HTTP_2) {
        return refuse(ret, 400, "Transfer-Encoding in HTTP/2");
    }
    if (request->version == PSV_HTTP_1_0) {
        return refuse(ret, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (psv_headers_count(headers, PSV_FIELD_CONTENT_LENGTH) > 0) {
        return refuse(ret, 400, "Transfer-Encoding and Content-Length");
    }
    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id == PSV_FIELD_TRANSFER_ENCODING) {
            read_codings(psv_bytes_trim(headers->items[i].value), &codings);
        }
    }
    if (codings.is_malformed) {
        return refuse(ret, 400, "malformed Transfer-Encoding");
    }
    if (codings.has_chunked_twice) {
        return refuse(ret, 400, "chunked twice");
    }
    if (codings.has_chunked && !codings.is_chunked_last) {
        return refuse(ret, 400, "chunked is not the last coding");
    }
    if (codings.has_other) {
        return refuse(ret, 501, "unsupported transfer coding");
    }
    if (has_parameter(headers)) {
        return refuse(ret, 400, "chunked with parameters");
    }
    *ret = (struct psv_body_framing){.kind = PSV_BODY_FRAMING_CHUNKED};
    return 0;
}

static int decide_by_length(struct psv_bytes value, struct psv_body_framing *ret)
{
    uint64_t length;

    if (psv_parse_u64(psv_bytes_trim(value), &length) != 0 || length > INT64_MAX) {
        return refuse(ret, 400, "malformed Content-Length");
    }
    *ret = (struct psv_body_framing){.kind = PSV_BODY_FRAMING_LENGTH, .length = length};
    return 0;
}

int psv_body_framing_decide(const struct psv_request *request, struct psv_body_framing *ret)
{
    const struct psv_headers *headers = &request->headers;

    if (psv_headers_count(headers, PSV_FIELD_TRANSFER_ENCODING) > 0) {
        return decide_by_codings(request, ret);
    }
    switch (psv_headers_count(headers, PSV_FIELD_CONTENT_LENGTH)) {
    case 0:
        *ret = (struct psv_body_framing){.kind = PSV_BODY_FRAMING_NONE};
        return 0;
    case 1:
        return decide_by_length(psv_headers_value(headers, PSV_FIELD_CONTENT_LENGTH), ret);
    default:
        /* RFC 9110 8.6 would allow equal ones */
        return refuse(ret, 400, "repeated Content-Length");
    }
}
