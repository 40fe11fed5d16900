/* Counters, gauges and histograms, declared in one table (metrics_table.h) and counted in per-thread cells
 * that are summed on scrape: counting is one relaxed store to a cell that no other thread writes.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "observe/metrics_table.h"

/* psv_metric_id: PSV_METRIC_<ID>, one per row (labelled series of one family are rows of their own). */

/** Adds to a counter or gauge (gauges may go down: pass a negative delta).  [any] */
void psv_metric_add(enum psv_metric_id id, int64_t delta);
static inline void psv_metric_inc(enum psv_metric_id id)
{
    psv_metric_add(id, 1);
}
/** Sets a gauge; only one thread may ever set a given gauge.  [any] */
void psv_metric_set(enum psv_metric_id id, int64_t value);
/** Adds an observation to a histogram.  [any] */
void psv_metric_observe_ns(enum psv_histogram_id id, uint64_t duration_ns);

/** Sum over all threads. */
int64_t psv_metric_value(enum psv_metric_id id);

/* Rows of families by an index that other floors have; past the last one means the last row ("other", 5xx).
 */

/** index: enum psv_method, in the order GET HEAD POST PUT PATCH DELETE OPTIONS QUERY TRACE CONNECT OTHER. */
static inline enum psv_metric_id psv_metric_by_method(unsigned index)
{
    unsigned last = PSV_METRIC_REQUESTS_OTHER - PSV_METRIC_REQUESTS_GET;
    return (enum psv_metric_id)(PSV_METRIC_REQUESTS_GET + (index < last ? index : last));
}
/** status 100..599; anything else counts as 5xx. */
static inline enum psv_metric_id psv_metric_by_status(unsigned status)
{
    unsigned index = status >= 100 && status < 600 ? status / 100 - 1 : 4;
    return (enum psv_metric_id)(PSV_METRIC_RESPONSES_1XX + index);
}
/** The row of phpsrv_refused_requests_total for a status; REFUSED_OTHER when it has none of its own.  [any]
 */
enum psv_metric_id psv_metric_by_refusal(unsigned status);

/** Sets a label of phpsrv_build_info ("version", "php"); again with the same label: replaces it.  At most 8
 * labels of 160 bytes, longer values are cut.  0, PSV_ELIMIT, PSV_EINVAL (no label name).  [any] */
int psv_metrics_set_info(const char *label, struct psv_bytes value);

/** About the duration below which per_thousand of a histogram's observations lie: within its bucket by
 * proportion; the largest bound for what is beyond.  0 without observations.  [any] */
uint64_t psv_metric_quantile_ns(enum psv_histogram_id id, unsigned per_thousand);
/** Number of observations of a histogram over all threads.  [any] */
uint64_t psv_metric_observations(enum psv_histogram_id id);

/** Appends all families in Prometheus text format 0.0.4.  [any] */
MUST_CHECK int psv_metrics_format(struct psv_buffer *out);
