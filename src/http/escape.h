/* Percent-escapes (RFC 3986 2.1), one at a time.  Internal to http/.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"

/** Value of a hexadecimal digit, or -1. */
static inline int psv_hex_digit(char c)
{
    if (psv_ascii_is_digit(c)) {
        return c - '0';
    }
    c = psv_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** The byte that the three bytes at the beginning of text stand for, or -1 when they are no escape. */
static inline int psv_escape_decode(struct psv_bytes text)
{
    int high;
    int low;

    if (text.len < 3 || text.data[0] != '%') {
        return -1;
    }
    high = psv_hex_digit(text.data[1]);
    low = psv_hex_digit(text.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
