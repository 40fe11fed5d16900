/* Bounded lock-free ring of pointers, safe for several producers and several consumers (one sequence number
 * per slot, after D. Vyukov's bounded MPMC queue).  FIFO per producer.  Never blocks, never allocates after
 * init.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_ring_slot;

struct psv_ring {
    struct psv_ring_slot *slots;
    size_t mask;     /* slots - 1; slots is a power of two */
    size_t capacity; /* as asked for: a push beyond it is refused even if the power of two has room */
    _Alignas(CACHE_LINE_BYTES) _Atomic size_t tail; /* next position to push */
    _Alignas(CACHE_LINE_BYTES) _Atomic size_t head; /* next position to pop */
};

/** 0 or PSV_ENOMEM; capacity >= 1.  [boot] */
MUST_CHECK int psv_ring_init(struct psv_ring *ring, size_t capacity);
/** Frees the slots; what is still inside is the caller's affair.  [boot] */
void psv_ring_fini(struct psv_ring *ring);

/** 0 or PSV_EFULL.  item must not be NULL.  What was written before the push is visible after the pop.  [any]
 */
MUST_CHECK int psv_ring_push(struct psv_ring *ring, void *item);
/** The oldest item or NULL when empty.  [any] */
void *psv_ring_pop(struct psv_ring *ring);

/** A snapshot; exact only when nobody pushes or pops.  [any] */
size_t psv_ring_len(const struct psv_ring *ring);
