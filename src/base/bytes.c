/* Comparing, searching and cutting views of bytes.  Pure; never looks for a terminating NUL.
 *
 * SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <stdint.h>

#include "word.h"

static bool is_word_equal_case(uint64_t a, uint64_t b)
{
    return a == b || psv_word_lower(a) == psv_word_lower(b);
}

/* Less than a word. */
static uint64_t load_short(const char *text, size_t len)
{
    uint32_t halves[2] = {0, 0};
    if (len >= sizeof(halves[0])) { /* they overlap */
        memcpy(&halves[0], text, sizeof(halves[0]));
        memcpy(&halves[1], text + len - sizeof(halves[1]), sizeof(halves[1]));
    } else {
        for (size_t i = 0; i < len; i++)
            halves[0] = halves[0] << 8 | (uint8_t)text[i];
    }
    return halves[0] | (uint64_t)halves[1] << 32;
}

static bool is_equal_case(const char *a, const char *b, size_t len)
{
    if (len < PSV_WORD_BYTES)
        return is_word_equal_case(load_short(a, len), load_short(b, len));
    size_t last = len - PSV_WORD_BYTES; /* the last word overlaps the one before */
    for (size_t at = 0; at < last; at += PSV_WORD_BYTES) {
        if (!is_word_equal_case(psv_word_load(a + at), psv_word_load(b + at)))
            return false;
    }
    return is_word_equal_case(psv_word_load(a + last), psv_word_load(b + last));
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
