/* Entity tags: making, reading, comparing (RFC 9110 8.8.3).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "etag.h"

#include "base/error.h"
#include "base/text_parse.h"

size_t psv_etag_format(char *out, uint64_t size_bytes, int64_t mtime_ns)
{
    char *p = out;

    *p++ = '"';
    p += psv_format_hex(p, (uint64_t)mtime_ns);
    *p++ = '-';
    p += psv_format_hex(p, size_bytes);
    *p++ = '"';
    return (size_t)(p - out);
}

/* etagc: any visible byte but the quote; above 127 too. */
static bool is_tag_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte > ' ' && byte != '"' && byte != 0x7f;
}

/* Length of the entity-tag at the beginning of text, 0 when there is none. */
static size_t tag_len(struct psv_bytes text)
{
    size_t at = psv_bytes_starts_with(text, PSV_BYTES("W/")) ? 2 : 0;

    if (at >= text.len || text.data[at] != '"') {
        return 0;
    }
    at++;
    while (at < text.len && is_tag_byte(text.data[at])) {
        at++;
    }
    return at < text.len && text.data[at] == '"' ? at + 1 : 0;
}

int psv_etag_parse(struct psv_bytes text, struct psv_etag *ret_etag)
{
    bool is_weak = psv_bytes_starts_with(text, PSV_BYTES("W/"));

    if (text.len == 0 || tag_len(text) != text.len) {
        return PSV_ESYNTAX;
    }
    *ret_etag = (struct psv_etag){psv_bytes_from(text, is_weak ? 2 : 0), is_weak};
    return 0;
}

static bool is_equal(struct psv_bytes a, struct psv_bytes b, bool is_strong)
{
    struct psv_etag first;
    struct psv_etag second;

    if (psv_etag_parse(a, &first) != 0 || psv_etag_parse(b, &second) != 0) {
        return false;
    }
    if (is_strong && (first.is_weak || second.is_weak)) {
        return false;
    }
    return psv_bytes_equal(first.opaque, second.opaque);
}

bool psv_etag_equal_strong(struct psv_bytes a, struct psv_bytes b)
{
    return is_equal(a, b, true);
}

bool psv_etag_equal_weak(struct psv_bytes a, struct psv_bytes b)
{
    return is_equal(a, b, false);
}

enum psv_etag_match psv_etag_list_match(struct psv_bytes list, struct psv_bytes etag, bool is_strong)
{
    enum psv_etag_match match = PSV_ETAG_MATCH_NO;
    unsigned tags = 0;

    list = psv_bytes_trim(list);
    if (psv_bytes_equal(list, PSV_BYTES("*"))) {
        return PSV_ETAG_MATCH_ANY;
    }
    /* not a general list: quotes have no escapes here, and a comma may be part of a tag */
    while (list.len > 0) {
        size_t len = tag_len(list);

        if (len == 0 && list.data[0] != ',') {
            return PSV_ETAG_MATCH_MALFORMED;
        }
        if (len > 0) {
            tags++;
            if (is_equal(psv_bytes_first(list, len), etag, is_strong)) {
                match = PSV_ETAG_MATCH_YES;
            }
        }
        list = psv_bytes_trim(psv_bytes_from(list, len));
        if (list.len > 0 && list.data[0] != ',') {
            return PSV_ETAG_MATCH_MALFORMED;
        }
        list = psv_bytes_trim(psv_bytes_from(list, 1));
    }
    return tags > 0 ? match : PSV_ETAG_MATCH_MALFORMED;
}
