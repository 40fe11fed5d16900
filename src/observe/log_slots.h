/* The line buffers of the log: made once, handed out last-in-first-out, so that a quiet server touches few of
 * them.  Any thread; lock-free.  Knows nothing of what is in a line.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

enum psv_log_target { PSV_LOG_TARGET_ERROR, PSV_LOG_TARGET_ACCESS };

struct psv_log_slot {
    uint16_t len;
    uint8_t target; /* enum psv_log_target */
    char text[PSV_LOG_LINE_BYTES];
};

struct psv_log_slots {
    struct psv_log_slot *slots;
    /* index + 1 of the free slot below each free slot, 0 = none.  Apart from the slots, so that a slot's
     * pages stay untouched until its first use. */
    _Atomic uint32_t *below;
    size_t count;
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t
        top; /* {tag:32, index + 1:32}; the tag changes with every change */
};

/** 0 or PSV_ENOMEM; count >= 1.  [boot] */
MUST_CHECK int psv_log_slots_init(struct psv_log_slots *slots, size_t count);
void psv_log_slots_fini(struct psv_log_slots *slots);

/** NULL when all are in use.  [any] */
struct psv_log_slot *psv_log_slots_take(struct psv_log_slots *slots);
void psv_log_slots_give_back(struct psv_log_slots *slots, struct psv_log_slot *slot);
/** The same for several, in one step; all[0] is taken next. */
void psv_log_slots_give_back_all(struct psv_log_slots *slots, struct psv_log_slot *const *all, size_t len);
