/* Eight bytes of text looked at in one go.  Each question may be answered yes by mistake when a neighbour
 * asks for it, never no: who gets a yes looks at the bytes.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define PSV_WORD_BYTES sizeof(uint64_t)
#define PSV_WORD_OF(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))
#define PSV_WORD_HIGH_BITS PSV_WORD_OF(0x80)

static inline uint64_t psv_word_load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return word;
}

/** A byte below limit (1 to 128), among those below 128. */
static inline uint64_t psv_word_below(uint64_t word, uint8_t limit)
{
    return (word - PSV_WORD_OF(limit)) & ~word & PSV_WORD_HIGH_BITS;
}

static inline uint64_t psv_word_equal(uint64_t word, uint8_t byte)
{
    return psv_word_below(word ^ PSV_WORD_OF(byte), 1);
}

/** Exact: the letters A to Z in lower case, all other bytes as they are. */
static inline uint64_t psv_word_lower(uint64_t word)
{
    uint64_t low = word & ~PSV_WORD_HIGH_BITS;
    uint64_t is_from_a = low + PSV_WORD_OF(128 - 'A');
    uint64_t is_past_z = low + PSV_WORD_OF(128 - 'Z' - 1);
    return word | (is_from_a & ~is_past_z & ~word & PSV_WORD_HIGH_BITS) >> 2;
}

/** Not zero: a byte that is not printable ASCII, a quote or a backslash.  The high bits of the first term
 * stand for all bytes above 127, so that the others need not be exact for these. */
static inline uint64_t psv_word_special(uint64_t word)
{
    uint64_t is_high_or_del = word | (word + PSV_WORD_OF(1));
    uint64_t is_control = word - PSV_WORD_OF(0x20);
    uint64_t is_quote = (word ^ PSV_WORD_OF('"')) - PSV_WORD_OF(1);
    uint64_t is_backslash = (word ^ PSV_WORD_OF('\\')) - PSV_WORD_OF(1);
    return (is_high_or_del | is_control | is_quote | is_backslash) & PSV_WORD_HIGH_BITS;
}

/** How many bytes at the start of text are printable ASCII without quotes and backslashes: what stands for
 * itself in a JSON string and between quotes. */
static inline size_t psv_plain_len(struct psv_bytes text)
{
    size_t len = 0;
    for (; len + PSV_WORD_BYTES <= text.len; len += PSV_WORD_BYTES) {
        if (psv_word_special(psv_word_load(text.data + len)) != 0)
            break;
    }
    for (; len < text.len; len++) {
        uint8_t byte = (uint8_t)text.data[len];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            break;
    }
    return len;
}

/** Copies text to out and says whether all of it is plain in that sense; else what it wrote is worth nothing.
 * The last word overlaps the one before. */
static inline bool psv_copy_plain(char *out, struct psv_bytes text)
{
    uint64_t special = 0;
    uint64_t word = PSV_WORD_OF(' ');
    if (text.len >= PSV_WORD_BYTES) {
        size_t last = text.len - PSV_WORD_BYTES;
        for (size_t at = 0; at < last; at += PSV_WORD_BYTES) {
            word = psv_word_load(text.data + at);
            memcpy(out + at, &word, sizeof(word));
            special |= psv_word_special(word);
        }
        word = psv_word_load(text.data + last);
        memcpy(out + last, &word, sizeof(word));
    } else if (text.len >= 4) {
        uint32_t halves[2];
        memcpy(&halves[0], text.data, 4);
        memcpy(&halves[1], text.data + text.len - 4, 4);
        memcpy(out, &halves[0], 4);
        memcpy(out + text.len - 4, &halves[1], 4);
        word = halves[0] | (uint64_t)halves[1] << 32;
    } else {
        for (size_t at = 0; at < text.len; at++) {
            out[at] = text.data[at];
            word = word << 8 | (uint8_t)text.data[at];
        }
    }
    return (special | psv_word_special(word)) == 0;
}
