/* See trace_parent.h.
 *
 * SPDX-License-Identifier: MIT */
#include "trace_parent.h"

#include <string.h>

#include "base/random.h"
#include "http/escape.h"

#define VERSION_LEN 2
#define FLAGS_LEN 2

/* Lower-case hex digits up to a dash or the end; not all of them zero unless may_be_zero. */
static bool take(struct psv_bytes *rest, size_t len, bool may_be_zero, char *out)
{
    bool is_zero = true;

    if (rest->len < len || (rest->len > len && rest->data[len] != '-')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char byte = rest->data[i];
        if (!psv_ascii_is_digit(byte) && !(byte >= 'a' && byte <= 'f')) {
            return false;
        }
        is_zero = is_zero && byte == '0';
        out[i] = byte;
    }
    out[len] = '\0';
    *rest = psv_bytes_from(*rest, rest->len > len ? len + 1 : len);
    return may_be_zero || !is_zero;
}

bool psv_trace_parent_parse(struct psv_bytes value, struct psv_trace_parent *ret)
{
    struct psv_bytes rest = psv_bytes_trim(value);
    struct psv_trace_parent parent;
    char version[VERSION_LEN + 1];
    char flags[FLAGS_LEN + 1];
    bool ends_with_dash = rest.len > 0 && rest.data[rest.len - 1] == '-';

    if (!take(&rest, VERSION_LEN, true, version) || strcmp(version, "ff") == 0 ||
        !take(&rest, PSV_TRACE_ID_LEN, false, parent.trace_id) ||
        !take(&rest, PSV_SPAN_ID_LEN, false, parent.span_id) || !take(&rest, FLAGS_LEN, true, flags)) {
        return false;
    }
    if (strcmp(version, "00") == 0 && (rest.len > 0 || ends_with_dash)) {
        return false;
    }
    parent.flags = (uint8_t)(psv_hex_digit(flags[0]) << 4 | psv_hex_digit(flags[1]));
    *ret = parent;
    return true;
}

void psv_trace_parent_format(const struct psv_trace_parent *parent, char *out)
{
    memcpy(out, "00-", 3);
    memcpy(out + 3, parent->trace_id, PSV_TRACE_ID_LEN);
    out[35] = '-';
    memcpy(out + 36, parent->span_id, PSV_SPAN_ID_LEN);
    out[52] = '-';
    psv_hex_encode(out + 53, &parent->flags, 1);
    out[PSV_TRACE_PARENT_LEN] = '\0';
}
