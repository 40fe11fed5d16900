/* The request line; see request_line.h.
 *
 * SPDX-License-Identifier: MIT */
#include "request_line.h"

#include "base/error.h"
#include "base/word.h"
#include "http/field.h"

#define METHOD_BYTES_MAX 32

static int fail(struct psv_request_line *line, unsigned status, const char *reason)
{
    line->status = status;
    line->reason = reason;
    return PSV_ESYNTAX;
}

/* RFC 3986: other bytes come percent-encoded. */
static bool is_visible_ascii(struct psv_bytes text)
{
    unsigned char odd = 0;
    size_t i = 0;

    for (; i + PSV_WORD_BYTES <= text.len; i += PSV_WORD_BYTES) {
        uint64_t word = psv_word_load(text.data + i);
        if ((psv_word_below(word, ' ' + 1) | ((word | (word + PSV_WORD_OF(1))) & PSV_WORD_HIGH_BITS)) != 0) {
            return false;
        }
    }
    for (; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        odd |= (unsigned char)(byte <= ' ' || byte >= 127);
    }
    return odd == 0;
}

static int parse_version(struct psv_bytes text, struct psv_request_line *ret)
{
    static const struct psv_bytes name = PSV_BYTES_INIT("HTTP/");

    if (LIKELY(psv_bytes_equal(text, PSV_BYTES("HTTP/1.1")))) {
        ret->minor_version = 1;
        return PSV_OK;
    }
    if (text.len != name.len + 3 || !psv_bytes_starts_with(text, name) || text.data[name.len + 1] != '.' ||
        !psv_ascii_is_digit(text.data[name.len]) || !psv_ascii_is_digit(text.data[name.len + 2])) {
        return fail(ret, 400, "malformed HTTP version");
    }
    if (text.data[name.len] != '1') {
        return fail(ret, 505, "only HTTP/1.x is spoken here");
    }
    ret->minor_version = text.data[name.len + 2] == '0' ? 0 : 1;
    return PSV_OK;
}

int psv_request_line_parse(struct psv_bytes line, struct psv_request_line *ret)
{
    if (line.len == 0 || line.data[line.len - 1] != '\r') {
        return fail(ret, 400, "request line does not end in CR LF");
    }
    line = psv_bytes_first(line, line.len - 1);
    ret->method = psv_bytes_first(line, psv_bytes_find(line, ' '));
    line = psv_bytes_from(line, ret->method.len + 1);
    ret->target = psv_bytes_first(line, psv_bytes_find(line, ' '));
    line = psv_bytes_from(line, ret->target.len + 1);
    if (!psv_field_name_is_valid(ret->method)) { /* the same grammar: token */
        return fail(ret, 400, "malformed method");
    }
    if (ret->target.len == 0 || !is_visible_ascii(ret->target)) {
        return fail(ret, 400, "malformed request target");
    }
    if (ret->method.len > METHOD_BYTES_MAX) {
        return fail(ret, 501, "method too long");
    }
    return parse_version(line, ret);
}

bool psv_request_line_may_begin(struct psv_bytes bytes)
{
    struct psv_bytes method = psv_bytes_first(bytes, psv_bytes_find(bytes, ' '));

    return psv_field_name_is_valid(method);
}
