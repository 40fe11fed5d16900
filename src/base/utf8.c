/* See utf8.h.
 *
 * SPDX-License-Identifier: MIT */
#include "utf8.h"

size_t psv_utf8_decode(struct psv_bytes text, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.data;

    if (text.len == 0) {
        return 0;
    }
    unsigned char lead = p[0];
    if (lead < 0x80) {
        *ret_code = lead;
        return 1;
    }
    size_t len = (lead & 0xe0) == 0xc0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : (lead & 0xf8) == 0xf0 ? 4 : 0;
    if (len == 0 || text.len < len) {
        return 0;
    }
    uint32_t code = lead & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }
    *ret_code = code;
    return len;
}
