/* The cells behind metrics.h: one block per thread, summed on scrape.  Internal to observe/.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/macros.h"
#include "metrics_table.h"

/* The bounds in nanoseconds, ascending. */
#define B(ns, text) +1
#define PSV_HISTOGRAM_BOUNDS (0 PSV_HISTOGRAM_BUCKET_TABLE(B))
enum { PSV_HISTOGRAM_BOUNDS_LEN = PSV_HISTOGRAM_BOUNDS };
#undef B
#undef PSV_HISTOGRAM_BOUNDS

struct psv_histogram_sum {
    uint64_t counts[PSV_HISTOGRAM_BOUNDS_LEN + 1]; /* each bucket's own; the last one is +Inf's */
    uint64_t sum_ns;
};

struct psv_metrics_sum {
    int64_t values[PSV_METRIC_COUNT];
    struct psv_histogram_sum histograms[PSV_HISTOGRAM_COUNT];
};

/** Adds up the cells of all threads, those that have ended included.  [any] */
void psv_metrics_sum(struct psv_metrics_sum *ret_sum);
