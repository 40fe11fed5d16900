/* Atomic reference count, embedded in the counted struct.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/assert.h"

struct psv_refcount {
    _Atomic unsigned count;
};

static inline void psv_refcount_init(struct psv_refcount *rc)
{
    atomic_init(&rc->count, 1);
}
static inline void psv_refcount_ref(struct psv_refcount *rc)
{
    /* relaxed: the caller holds a reference already, nothing is published by taking another */
    unsigned before = atomic_fetch_add_explicit(&rc->count, 1, memory_order_relaxed);
    INVARIANT(before != 0);
}
/** True when the last reference is gone: the caller frees. */
static inline bool psv_refcount_unref(struct psv_refcount *rc)
{
    /* release pairs with the acquire of whoever drops the last one, so that it sees all writes */
    unsigned before = atomic_fetch_sub_explicit(&rc->count, 1, memory_order_acq_rel);
    INVARIANT(before != 0);
    return before == 1;
}
