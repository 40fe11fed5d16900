/* How often a client may come: the generic cell rate algorithm (ITU-T I.371, "GCRA") over a table of bounded
 * size.  Pure but for the table's secret; takes the clock as argument.  One thread.
 *
 * Of each key only the time is kept at which it would owe nothing.  When a set of the table is full, the key
 * that owes least is forgotten: it gets at most one burst too many.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

struct psv_rate {
    uint64_t count;     /* requests ... */
    uint64_t period_ns; /* ... within this time, evenly */
    uint64_t burst;     /* requests that may come at once, at least 1 */
};

struct psv_rate_limit {
    struct psv_rate_slot *slots; /* sets of 8 */
    size_t sets_mask;
    uint64_t secret[2];
    uint64_t interval_ns;  /* between two requests */
    uint64_t tolerance_ns; /* that a burst may run ahead */
    uint64_t evictions;    /* keys forgotten although they owed something */
};

/** "100/s", "600/m", "10000/h", "5/10s".  0, or PSV_ESYNTAX.  burst is left alone. */
MUST_CHECK int psv_rate_parse(struct psv_bytes text, struct psv_rate *ret_rate);

/** memory_bytes: of the table, rounded down to a power of two; 16 bytes a key.  PSV_ENOMEM. */
MUST_CHECK int psv_rate_limit_init(struct psv_rate_limit *limit, const struct psv_rate *rate,
                                   size_t memory_bytes);
/** Accepts a zeroed struct. */
void psv_rate_limit_fini(struct psv_rate_limit *limit);

/** 0: admitted, and counted.  Else the nanoseconds after which it would be. */
uint64_t psv_rate_limit_take(struct psv_rate_limit *limit, struct psv_bytes key, uint64_t now_ns);
