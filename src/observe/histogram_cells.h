/* What a histogram counts, for those that are kept by somebody else than metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "observe/metrics.h"

/** Written by one thread with relaxed load and store, read by scrapes. */
struct psv_histogram_cells {
    _Atomic uint64_t counts[PSV_HISTOGRAM_BOUNDS_MAX + 1];
    _Atomic uint64_t sum;
};

/** Adds value to a histogram with these bounds; is_shared: several threads do.  [any] */
void psv_histogram_cells_observe(bool is_shared, struct psv_histogram_cells *cells, enum psv_bounds bounds,
                                 uint64_t value);
/** Adds what was counted to sum.  [any] */
void psv_histogram_cells_sum(struct psv_histogram_sum *sum, const struct psv_histogram_cells *cells);
