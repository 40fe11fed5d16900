/* A lock-free stack of line buffers.  Any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "log_slots.h"

#include "base/assert.h"
#include "base/memory.h"

#define INDEX(top) ((uint32_t)(top))
#define NEXT_TAG(top) (((top) >> 32) + 1)

int psv_log_slots_init(struct psv_log_slots *slots, size_t count)
{
    INVARIANT(count >= 1 && count < UINT32_MAX);
    slots->slots = psv_calloc(count, sizeof(*slots->slots));
    slots->below = psv_calloc(count, sizeof(*slots->below));
    if (slots->slots == NULL || slots->below == NULL) {
        psv_log_slots_fini(slots);
        return PSV_ENOMEM;
    }
    slots->count = count;
    atomic_init(&slots->top, 0);
    for (size_t i = count; i > 0; i--) {
        psv_log_slots_give_back(slots, &slots->slots[i - 1]);
    }
    return 0;
}

void psv_log_slots_fini(struct psv_log_slots *slots)
{
    slots->slots = psv_free(slots->slots);
    slots->below = psv_free(slots->below);
    slots->count = 0;
}

struct psv_log_slot *psv_log_slots_take(struct psv_log_slots *slots)
{
    /* acquire pairs with give_back's release: the slot's link, and what its last user did with it, are
     * visible */
    uint64_t top = atomic_load_explicit(&slots->top, memory_order_acquire);
    for (;;) {
        if (INDEX(top) == 0) {
            return NULL;
        }
        uint32_t index = INDEX(top) - 1;
        /* May be stale when another thread took the slot meanwhile; then the tag has changed and the exchange
         * fails. */
        uint64_t below = atomic_load_explicit(&slots->below[index], memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&slots->top, &top, NEXT_TAG(top) << 32 | below,
                                                  memory_order_acquire, memory_order_acquire)) {
            return &slots->slots[index];
        }
    }
}

static size_t index_of(const struct psv_log_slots *slots, const struct psv_log_slot *slot)
{
    return (size_t)(slot - slots->slots);
}

/* The slots from first down to last lie on each other already. */
static void put_on_top(struct psv_log_slots *slots, size_t first, size_t last)
{
    uint64_t top = atomic_load_explicit(&slots->top, memory_order_relaxed);
    do {
        atomic_store_explicit(&slots->below[last], INDEX(top), memory_order_relaxed);
        /* release pairs with take's acquire */
    } while (!atomic_compare_exchange_weak_explicit(&slots->top, &top, NEXT_TAG(top) << 32 | (first + 1),
                                                    memory_order_release, memory_order_relaxed));
}

void psv_log_slots_give_back(struct psv_log_slots *slots, struct psv_log_slot *slot)
{
    put_on_top(slots, index_of(slots, slot), index_of(slots, slot));
}

void psv_log_slots_give_back_all(struct psv_log_slots *slots, struct psv_log_slot *const *all, size_t len)
{
    if (len == 0) {
        return;
    }
    for (size_t i = 0; i + 1 < len; i++) {
        atomic_store_explicit(&slots->below[index_of(slots, all[i])],
                              (uint32_t)index_of(slots, all[i + 1]) + 1, memory_order_relaxed);
    }
    put_on_top(slots, index_of(slots, all[0]), index_of(slots, all[len - 1]));
}
