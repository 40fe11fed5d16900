/* The cells behind metrics.h: one block per thread, summed on scrape.  Internal to observe/.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/bytes.h"
#include "histogram_cells.h"
#include "metrics.h"
#include "metrics_table.h"

/* The rows of the sites' counters. */
enum {
#define M(method) +1
    PSV_METRIC_METHODS = 0 PSV_METRIC_METHOD_TABLE(M),
#undef M
#define C(class, code) +1
    PSV_METRIC_CODES = 0 PSV_METRIC_CODE_TABLE(C),
#undef C
};

struct psv_site_cells {
    _Atomic int64_t in_flight;
    _Atomic int64_t requests[PSV_METRIC_METHODS];
    _Atomic int64_t responses[PSV_METRIC_CODES];
    struct psv_histogram_cells histograms[PSV_SITE_HISTOGRAM_COUNT];
};

/* Only the block `shared` is written by several threads. */
struct psv_metric_cells {
    struct psv_metric_cells *next; /* set before the block is published, then constant: never unlinked */
    bool is_in_use;                /* under the registry's lock */
    bool is_shared;
    struct psv_site_cells
        *_Atomic sites; /* made by the first count for a site; as many as there are sites then */
    size_t sites_len;   /* set before sites is published */
    _Alignas(CACHE_LINE_BYTES) _Atomic int64_t values[PSV_METRIC_COUNT];
    struct psv_histogram_cells histograms[PSV_HISTOGRAM_COUNT];
};

/** The calling thread's block, or the shared one when there is no memory.  [any] */
struct psv_metric_cells *psv_metric_cells_own(void);
struct psv_metric_cells *psv_metric_cells_shared(void);
/** The blocks of all threads but the shared one, linked by next.  [any] */
struct psv_metric_cells *psv_metric_cells_first(void);

static inline void psv_metric_cell_add(bool is_shared, _Atomic int64_t *cell, int64_t delta)
{
    if (UNLIKELY(is_shared)) {
        (void)atomic_fetch_add_explicit(cell, delta, memory_order_relaxed);
        return;
    }
    /* relaxed: nobody else writes it, and nothing is published through it */
    int64_t before = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, (int64_t)((uint64_t)before + (uint64_t)delta), memory_order_relaxed);
}

struct psv_metrics_sum {
    int64_t values[PSV_METRIC_COUNT];
    struct psv_histogram_sum histograms[PSV_HISTOGRAM_COUNT];
};

/** Adds up the cells of all threads, those that have ended included.  [any] */
void psv_metrics_sum(struct psv_metrics_sum *ret_sum);
enum psv_bounds psv_histogram_bounds(enum psv_histogram_id id);

struct psv_site_sum {
    int64_t in_flight;
    int64_t requests[PSV_METRIC_METHODS];
    int64_t responses[PSV_METRIC_CODES];
    struct psv_histogram_sum histograms[PSV_SITE_HISTOGRAM_COUNT];
};

/** Adds the cells of one site over all threads to sum.  [any] */
void psv_metrics_site_sum(size_t site, struct psv_site_sum *sum);
size_t psv_metrics_sites_len(void);
/** Name of a site; "" when there is only one.  [any] */
struct psv_bytes psv_metrics_site_name(size_t site);
/** Class ("2xx") and code ("200") of a row of responses. */
const char *psv_metric_code_class(size_t row);
const char *psv_metric_code_text(size_t row);

/** The last request that fell into a bucket and was traced. */
struct psv_exemplar {
    char trace_id[33]; /* "" = none yet */
    uint64_t value_ns;
    uint64_t unix_us;
};
/** False when there is none.  [any] */
bool psv_metrics_exemplar(size_t site, size_t bucket, struct psv_exemplar *ret_exemplar);
