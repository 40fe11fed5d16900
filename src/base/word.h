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

/** How many bytes at the start of text are printable ASCII without quotes and backslashes: what stands for
 * itself in a JSON string and between quotes. */
static inline size_t psv_plain_len(struct psv_bytes text)
{
    size_t len = 0;
    for (; len + PSV_WORD_BYTES <= text.len; len += PSV_WORD_BYTES) {
        uint64_t word = psv_word_load(text.data + len);
        uint64_t special = (word & PSV_WORD_HIGH_BITS) | psv_word_below(word, 0x20) |
                           psv_word_equal(word, '"') | psv_word_equal(word, '\\') |
                           psv_word_equal(word, 0x7f);
        if (special != 0)
            break;
    }
    for (; len < text.len; len++) {
        uint8_t byte = (uint8_t)text.data[len];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            break;
    }
    return len;
}
