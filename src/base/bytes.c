/* Comparing, searching and cutting views of bytes.  Pure; never looks for a terminating NUL.
 *
 * SPDX-License-Identifier: MIT */
#include "bytes.h"

static bool is_equal_case(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i] && psv_ascii_lower(a[i]) != psv_ascii_lower(b[i]))
            return false;
    }
    return true;
}

bool psv_bytes_equal_case(struct psv_bytes a, struct psv_bytes b)
{
    return a.len == b.len && is_equal_case(a.data, b.data, a.len);
}

bool psv_bytes_starts_with(struct psv_bytes text, struct psv_bytes prefix)
{
    return psv_bytes_equal(psv_bytes_first(text, prefix.len), prefix);
}

bool psv_bytes_starts_with_case(struct psv_bytes text, struct psv_bytes prefix)
{
    return psv_bytes_equal_case(psv_bytes_first(text, prefix.len), prefix);
}

bool psv_bytes_ends_with(struct psv_bytes text, struct psv_bytes suffix)
{
    return text.len >= suffix.len && psv_bytes_equal(psv_bytes_from(text, text.len - suffix.len), suffix);
}

bool psv_bytes_ends_with_case(struct psv_bytes text, struct psv_bytes suffix)
{
    return text.len >= suffix.len &&
           psv_bytes_equal_case(psv_bytes_from(text, text.len - suffix.len), suffix);
}

size_t psv_bytes_find(struct psv_bytes text, char byte)
{
    const char *found = text.len > 0 ? memchr(text.data, byte, text.len) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.len;
}

size_t psv_bytes_find_last(struct psv_bytes text, char byte)
{
    const char *found = text.len > 0 ? memrchr(text.data, byte, text.len) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.len;
}

struct psv_bytes psv_bytes_from(struct psv_bytes text, size_t offset)
{
    if (offset >= text.len) {
        const char *end = text.len > 0 ? text.data + text.len : text.data;
        return (struct psv_bytes){end, 0};
    }
    return (struct psv_bytes){text.data + offset, text.len - offset};
}

struct psv_bytes psv_bytes_first(struct psv_bytes text, size_t len)
{
    return (struct psv_bytes){text.data, len < text.len ? len : text.len};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct psv_bytes psv_bytes_trim(struct psv_bytes text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

bool psv_bytes_split(struct psv_bytes *rest, char separator, struct psv_bytes *ret_item)
{
    if (rest->len == 0)
        return false;
    size_t end = psv_bytes_find(*rest, separator);
    *ret_item = psv_bytes_first(*rest, end);
    *rest = psv_bytes_from(*rest, end + 1);
    return true;
}
