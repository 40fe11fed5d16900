/* Field names and the syntax of names and values (RFC 9110 5).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "field.h"

#include <stdint.h>

#include "base/assert.h"
#include "base/macros.h"

static const struct psv_bytes names[PSV_FIELD_COUNT] = {[PSV_FIELD_UNKNOWN] = PSV_BYTES_INIT(""),
#define X(id, text) [PSV_FIELD_##id] = PSV_BYTES_INIT(text),
                                                        PSV_FIELD_TABLE(X)
#undef X
};

/* Length, first and last letter tell all known names apart: two rows with the same key do not compile. */
#define KEY(len, first, last)                                                                                \
    (((uint32_t)(len) << 16) | ((uint32_t)(unsigned char)(first) << 8) | (uint32_t)(unsigned char)(last))

static enum psv_field_id guess(uint32_t key)
{
    switch (key) {
    /* clang-format off */
    case KEY(2, 't', 'e'): return PSV_FIELD_TE;
    case KEY(4, 'd', 'e'): return PSV_FIELD_DATE;
    case KEY(4, 'e', 'g'): return PSV_FIELD_ETAG;
    case KEY(4, 'h', 't'): return PSV_FIELD_HOST;
    case KEY(4, 'v', 'y'): return PSV_FIELD_VARY;
    case KEY(5, 'a', 'w'): return PSV_FIELD_ALLOW;
    case KEY(5, 'p', 'y'): return PSV_FIELD_PROXY;
    case KEY(5, 'r', 'e'): return PSV_FIELD_RANGE;
    case KEY(6, 'a', 't'): return PSV_FIELD_ACCEPT;
    case KEY(6, 'c', 'e'): return PSV_FIELD_COOKIE;
    case KEY(6, 'e', 't'): return PSV_FIELD_EXPECT;
    case KEY(6, 's', 'r'): return PSV_FIELD_SERVER;
    case KEY(6, 's', 's'): return PSV_FIELD_STATUS;
    case KEY(7, 'r', 'r'): return PSV_FIELD_REFERER;
    case KEY(7, 't', 'r'): return PSV_FIELD_TRAILER;
    case KEY(7, 'u', 'e'): return PSV_FIELD_UPGRADE;
    case KEY(8, 'i', 'h'): return PSV_FIELD_IF_MATCH;
    case KEY(8, 'i', 'e'): return PSV_FIELD_IF_RANGE;
    case KEY(8, 'l', 'n'): return PSV_FIELD_LOCATION;
    case KEY(9, 'f', 'd'): return PSV_FIELD_FORWARDED;
    case KEY(10, 'c', 'n'): return PSV_FIELD_CONNECTION;
    case KEY(10, 'k', 'e'): return PSV_FIELD_KEEP_ALIVE;
    case KEY(10, 's', 'e'): return PSV_FIELD_SET_COOKIE;
    case KEY(10, 'u', 't'): return PSV_FIELD_USER_AGENT;
    case KEY(10, 'x', 'e'): return PSV_FIELD_X_SENDFILE;
    case KEY(11, 'r', 'r'): return PSV_FIELD_RETRY_AFTER;
    case KEY(11, 't', 't'): return PSV_FIELD_TRACEPARENT;
    case KEY(12, 'c', 'e'): return PSV_FIELD_CONTENT_TYPE;
    case KEY(12, 'x', 'd'): return PSV_FIELD_X_REQUEST_ID;
    case KEY(13, 'a', 's'): return PSV_FIELD_ACCEPT_RANGES;
    case KEY(13, 'a', 'n'): return PSV_FIELD_AUTHORIZATION;
    case KEY(13, 'c', 'l'): return PSV_FIELD_CACHE_CONTROL;
    case KEY(13, 'c', 'e'): return PSV_FIELD_CONTENT_RANGE;
    case KEY(13, 'i', 'h'): return PSV_FIELD_IF_NONE_MATCH;
    case KEY(13, 'l', 'd'): return PSV_FIELD_LAST_MODIFIED;
    case KEY(14, 'c', 'h'): return PSV_FIELD_CONTENT_LENGTH;
    case KEY(15, 'a', 'g'): return PSV_FIELD_ACCEPT_ENCODING;
    case KEY(16, 'c', 'g'): return PSV_FIELD_CONTENT_ENCODING;
    case KEY(16, 'p', 'n'): return PSV_FIELD_PROXY_CONNECTION;
    case KEY(16, 'x', 't'): return PSV_FIELD_X_ACCEL_REDIRECT;
    case KEY(17, 'i', 'e'): return PSV_FIELD_IF_MODIFIED_SINCE;
    case KEY(17, 't', 'g'): return PSV_FIELD_TRANSFER_ENCODING;
    case KEY(19, 'i', 'e'): return PSV_FIELD_IF_UNMODIFIED_SINCE;
    case KEY(25, 's', 'y'): return PSV_FIELD_STRICT_TRANSPORT_SECURITY;
    /* clang-format on */
    default:
        return PSV_FIELD_UNKNOWN;
    }
}

enum psv_field_id psv_field_find(struct psv_bytes name)
{
    enum psv_field_id id;

    if (name.len == 0) {
        return PSV_FIELD_UNKNOWN;
    }
    /* a length beyond 16 bits may yield the key of a known name: the comparison knows better */
    id = guess(KEY(name.len, psv_ascii_lower(name.data[0]), psv_ascii_lower(name.data[name.len - 1])));
    return id != PSV_FIELD_UNKNOWN && psv_bytes_equal_case(name, names[id]) ? id : PSV_FIELD_UNKNOWN;
}

struct psv_bytes psv_field_name(enum psv_field_id id)
{
    INVARIANT((unsigned)id < PSV_FIELD_COUNT);
    return names[id];
}

/* RFC 9110 5.6.2 */
static const bool is_tchar[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true,         ['\''] = true,
    ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true,
    ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,         ['a' ... 'z'] = true,
};

bool psv_field_name_is_valid(struct psv_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_tchar[(uint8_t)name.data[i]]) {
            return false;
        }
    }
    return name.len > 0;
}

bool psv_field_value_is_valid(struct psv_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}
