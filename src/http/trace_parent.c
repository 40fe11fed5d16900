/* See trace_parent.h.
 *
 * SPDX-License-Identifier: MIT */
#include "trace_parent.h"

#include <string.h>

#define VERSION_LEN 2
#define FLAGS_LEN 2

static int digit(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Lower-case hex digits up to a dash or the end; not all of them zero unless may_be_zero. */
static bool take(struct psv_bytes *rest, size_t len, bool may_be_zero, char *out)
{
    bool is_zero = true;

    if (rest->len < len || (rest->len > len && rest->data[len] != '-')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (digit(rest->data[i]) < 0) {
            return false;
        }
        is_zero = is_zero && rest->data[i] == '0';
        out[i] = rest->data[i];
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
    parent.flags = (uint8_t)(digit(flags[0]) << 4 | digit(flags[1]));
    *ret = parent;
    return true;
}

void psv_trace_parent_format(const struct psv_trace_parent *parent, char *out)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(out, "00-", 3);
    memcpy(out + 3, parent->trace_id, PSV_TRACE_ID_LEN);
    out[35] = '-';
    memcpy(out + 36, parent->span_id, PSV_SPAN_ID_LEN);
    out[52] = '-';
    out[53] = digits[parent->flags >> 4];
    out[54] = digits[parent->flags & 15];
    out[PSV_TRACE_PARENT_LEN] = '\0';
}
