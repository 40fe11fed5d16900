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

typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Sixteen bytes at once: the digits of all upper halves, those of all lower ones, and one of each in turn. */
static void encode_sixteen(char *out, const uint8_t *bytes)
{
    sixteen all;
    memcpy(&all, bytes, sizeof(all));
    sixteen upper = all >> 4;
    sixteen lower = all & 15;
    upper += '0' + ((sixteen)(upper > 9) & ('a' - '0' - 10));
    lower += '0' + ((sixteen)(lower > 9) & ('a' - '0' - 10));
    const sixteen halves[2] = {
        __builtin_shufflevector(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        __builtin_shufflevector(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};
    memcpy(out, halves, sizeof(halves));
}

void psv_hex_encode(char *out, const uint8_t *bytes, size_t len)
{
    for (; len >= sizeof(sixteen); len -= sizeof(sixteen), bytes += sizeof(sixteen), out += 32) {
        encode_sixteen(out, bytes);
    }
    static const char digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}
