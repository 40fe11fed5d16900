/* SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF, 2012): a hash that nobody
 * can foresee who does not know its key.  The words are taken in the machine's byte order: it never leaves
 * the process.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

static inline uint64_t psv_siphash_rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void psv_siphash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = psv_siphash_rotate(v[1], 13) ^ v[0];
    v[0] = psv_siphash_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = psv_siphash_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = psv_siphash_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = psv_siphash_rotate(v[1], 17) ^ v[2];
    v[2] = psv_siphash_rotate(v[2], 32);
}

/** One compression and three final rounds. */
static inline uint64_t psv_siphash(const uint64_t key[2], struct psv_bytes text)
{
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    const char *data = text.data;
    size_t left = text.len;
    uint64_t word;
    for (; left >= sizeof(word); left -= sizeof(word), data += sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        v[3] ^= word;
        psv_siphash_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (left > 0)
        memcpy(&word, data, left);
    word |= (uint64_t)text.len << 56;
    v[3] ^= word;
    psv_siphash_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    psv_siphash_round(v);
    psv_siphash_round(v);
    psv_siphash_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
