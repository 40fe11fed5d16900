/* Unpredictable bytes: a small pool per thread spares a system call for most requests.  Bytes are wiped as
 * they are given out, and a pool that was filled before a fork is thrown away in the child, so that no two
 * processes hand out the same.
 *
 * SPDX-License-Identifier: MIT */
#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "assert.h"

#define POOL_BYTES 512

struct pool {
    size_t left; /* the unused bytes are the last ones */
    unsigned generation;
    uint8_t bytes[POOL_BYTES];
};

static _Thread_local struct pool pool;
static _Atomic unsigned fork_generation; /* only changed in a child while it has a single thread */
static bool is_fork_noticed;             /* written once under fork_watch_once */
static pthread_once_t fork_watch_once = PTHREAD_ONCE_INIT;

static void on_fork_in_child(void)
{
    atomic_fetch_add_explicit(&fork_generation, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    is_fork_noticed = pthread_atfork(NULL, NULL, on_fork_in_child) == 0;
}

static void fill_from_kernel(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t count = getrandom(out, len, 0);
        if (count < 0) {
            INVARIANT(errno == EINTR); /* nothing can be served safely without random numbers */
            continue;
        }
        out += count;
        len -= (size_t)count;
    }
}

void psv_random_fill(void *out, size_t len)
{
    unsigned generation = atomic_load_explicit(&fork_generation, memory_order_relaxed);
    if (UNLIKELY(pool.left < len || pool.generation != generation)) {
        (void)pthread_once(&fork_watch_once, watch_forks);
        if (len > POOL_BYTES / 4 || !is_fork_noticed) {
            fill_from_kernel(out, len);
            return;
        }
        fill_from_kernel(pool.bytes, POOL_BYTES);
        pool.left = POOL_BYTES;
        pool.generation = generation;
    }
    if (len == 0)
        return;
    uint8_t *source = pool.bytes + (POOL_BYTES - pool.left);
    memcpy(out, source, len);
    explicit_bzero(source, len);
    pool.left -= len;
}

uint64_t psv_random_u64(void)
{
    uint64_t value;
    psv_random_fill(&value, sizeof(value));
    return value;
}

struct quick {
    uint64_t state[4]; /* never all zeros once seeded */
    unsigned generation;
    bool is_seeded;
};

static _Thread_local struct quick quick;

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void seed_quick(unsigned generation)
{
    psv_random_fill(quick.state, sizeof(quick.state));
    quick.state[0] |= 1;
    quick.generation = generation;
    quick.is_seeded = is_fork_noticed; /* else a child would go on where its parent does */
}

/* xoshiro256++ of D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", 2018: period
 * 2^256 - 1, so that no two threads of any two servers are ever on the same part of it. */
uint64_t psv_random_quick_u64(void)
{
    unsigned generation = atomic_load_explicit(&fork_generation, memory_order_relaxed);
    if (UNLIKELY(!quick.is_seeded || quick.generation != generation)) {
        seed_quick(generation);
    }
    uint64_t *state = quick.state;
    uint64_t result = rotate(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Four bytes at once: their halves side by side in one word, then each half as its digit. */
static void encode_four(char *out, const uint8_t *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof(four));
    uint64_t word = four;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word >> 4 | word << 8) & UINT64_C(0x0f0f0f0f0f0f0f0f); /* the upper half comes first */
    uint64_t are_letters = (word + UINT64_C(0x7676767676767676)) >> 7 & UINT64_C(0x0101010101010101);
    word += UINT64_C(0x3030303030303030) + are_letters * ('a' - '0' - 10);
    memcpy(out, &word, sizeof(word));
}
#endif

void psv_hex_encode(char *out, const uint8_t *bytes, size_t len)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; len >= 4; len -= 4, bytes += 4, out += 8) {
        encode_four(out, bytes);
    }
#endif
    static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}
