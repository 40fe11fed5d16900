/* Percent-escapes (RFC 3986 2.1), one at a time.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

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

/** Writes the three bytes of "%XX" that stand for byte.  Returns where the next byte goes. */
static inline char *psv_escape_encode(char *out, char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *out++ = '%';
    *out++ = digits[(uint8_t)byte >> 4];
    *out++ = digits[(uint8_t)byte & 15];
    return out;
}

/** A byte of a decoded path that a URL's path may hold as it is (RFC 3986 3.3 pchar and '/'). */
static inline bool psv_is_plain_in_path(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || psv_ascii_is_digit(byte) ||
           (byte != '\0' && strchr("-._~!$&'()*+,;=:@/", byte) != NULL);
}

/** Writes a query for a URL: blanks, control and non-ASCII bytes become "%XX", all else stays as it is.  out
 * holds three times its length.  Returns where the next byte goes. */
static inline char *psv_escape_query(char *out, struct psv_bytes query)
{
    for (size_t i = 0; i < query.len; i++) {
        if (query.data[i] > ' ' && query.data[i] < 0x7f) {
            *out++ = query.data[i];
        } else {
            out = psv_escape_encode(out, query.data[i]);
        }
    }
    return out;
}
