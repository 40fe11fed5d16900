/* The ring's slots and their sequence numbers.  A slot at position p is free for the push of p when its
 * number is p, holds the item of p when it is p + 1, and is free for the next round when it is p + slots.
 * Whoever wins the compare-and-swap on tail (head) owns the slot until it stores the next number.
 *
 * SPDX-License-Identifier: MIT */
#include "ring.h"

#include "assert.h"
#include "error.h"
#include "memory.h"

struct psv_ring_slot {
    _Atomic size_t sequence;
    void *item;
};

int psv_ring_init(struct psv_ring *ring, size_t capacity)
{
    INVARIANT(capacity >= 1);
    size_t count =
        2; /* with a single slot "holds an item" and "free for the next round" would be the same number */
    while (count < capacity && count <= SIZE_MAX / 4)
        count *= 2;
    if (count < capacity)
        return PSV_ENOMEM;

    struct psv_ring_slot *slots = psv_calloc(count, sizeof(*slots));
    if (slots == NULL)
        return PSV_ENOMEM;
    for (size_t i = 0; i < count; i++)
        atomic_init(&slots[i].sequence, i);
    ring->slots = slots;
    ring->mask = count - 1;
    ring->capacity = capacity;
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);
    return 0;
}

void psv_ring_fini(struct psv_ring *ring)
{
    ring->slots = psv_free(ring->slots);
}

/* A capacity below the number of slots must be watched separately.  A stale head only makes the ring look
 * fuller, and head never passes the tail that the following compare-and-swap insists on: the capacity is
 * never exceeded. */
static inline bool is_beyond_capacity(const struct psv_ring *ring, size_t position)
{
    if (ring->capacity > ring->mask)
        return false;
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    return (ptrdiff_t)(position - head) >= (ptrdiff_t)ring->capacity;
}

int psv_ring_push(struct psv_ring *ring, void *item)
{
    INVARIANT(item != NULL);
    size_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    struct psv_ring_slot *slot;
    for (;;) {
        slot = &ring->slots[position & ring->mask];
        /* acquire pairs with the release of the pop that emptied the slot: its reading of item is over */
        size_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        ptrdiff_t lead = (ptrdiff_t)(sequence - position);
        if (lead == 0) {
            if (is_beyond_capacity(ring, position))
                return PSV_EFULL;
            /* relaxed: the position is only a ticket, the slot's sequence publishes */
            if (atomic_compare_exchange_weak_explicit(&ring->tail, &position, position + 1,
                                                      memory_order_relaxed, memory_order_relaxed))
                break;
        } else if (lead < 0) {
            return PSV_EFULL;
        } else {
            position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        }
    }
    slot->item = item;
    /* release pairs with the acquire in pop: item and all that was written before the push */
    atomic_store_explicit(&slot->sequence, position + 1, memory_order_release);
    return 0;
}

void *psv_ring_pop(struct psv_ring *ring)
{
    size_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
    struct psv_ring_slot *slot;
    for (;;) {
        slot = &ring->slots[position & ring->mask];
        /* acquire pairs with the release of the push that filled the slot */
        size_t sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        ptrdiff_t lead = (ptrdiff_t)(sequence - (position + 1));
        if (lead == 0) {
            if (atomic_compare_exchange_weak_explicit(&ring->head, &position, position + 1,
                                                      memory_order_relaxed, memory_order_relaxed))
                break;
        } else if (lead < 0) {
            return NULL;
        } else {
            position = atomic_load_explicit(&ring->head, memory_order_relaxed);
        }
    }
    void *item = slot->item;
    /* release pairs with the acquire in push, one round later */
    atomic_store_explicit(&slot->sequence, position + ring->mask + 1, memory_order_release);
    return item;
}

size_t psv_ring_len(const struct psv_ring *ring)
{
    /* head first: it cannot overtake the tail that is read after it */
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t len = tail - head;
    return MIN(len, ring->capacity);
}
