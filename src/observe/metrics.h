/* Counters, gauges and histograms, declared in one table (metrics_table.h) and counted in per-thread cells
 * that are summed on scrape: counting is one relaxed store to a cell that no other thread writes.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "observe/metrics_table.h"

struct psv_prometheus;
struct psv_prometheus_label;

/* psv_metric_id: PSV_METRIC_<ID>, one per row (labelled series of one family are rows of their own). */

/** Adds to a counter or gauge (gauges may go down: pass a negative delta).  [any] */
void psv_metric_add(enum psv_metric_id id, int64_t delta);
static inline void psv_metric_inc(enum psv_metric_id id)
{
    psv_metric_add(id, 1);
}
/** Sets a gauge; only one thread may ever set a given gauge.  [any] */
void psv_metric_set(enum psv_metric_id id, int64_t value);
/** Adds an observation to a histogram: nanoseconds, or bytes.  [any] */
void psv_metric_observe(enum psv_histogram_id id, uint64_t value);
static inline void psv_metric_observe_ns(enum psv_histogram_id id, uint64_t duration_ns)
{
    psv_metric_observe(id, duration_ns);
}

/** Sum over all threads. */
int64_t psv_metric_value(enum psv_metric_id id);

/** The row of phpsrv_refused_requests_total for a status; REFUSED_OTHER when it has none of its own.  [any]
 */
enum psv_metric_id psv_metric_by_refusal(unsigned status);

/** Sets a label of phpsrv_build_info ("version", "php"); again with the same label: replaces it.  At most 8
 * labels of 160 bytes, longer values are cut.  0, PSV_ELIMIT, PSV_EINVAL (no label name).  [any] */
int psv_metrics_set_info(const char *label, struct psv_bytes value);

/* ---- what each site is asked and answers: rate, errors, duration */

/** Most sites that are told apart: as many as the configuration may have. */
#define PSV_METRICS_SITES_MAX 257

/** Names the sites, index 0 and on.  With none or one the samples have no label "site", with several each has
 * one. Before the first request is counted.  0, PSV_ELIMIT, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_metrics_set_sites(const struct psv_bytes *names, size_t names_len);

/** A request at its end. */
struct psv_metric_request {
    bool has_begun;  /* psv_metric_request_begin_site was called for it */
    bool has_method; /* its first line was understood */
    unsigned method; /* index of PSV_METRIC_METHOD_TABLE; what is larger is the last */
    unsigned status; /* of its response; 0 = there was none */
    uint64_t duration_ns;
    uint64_t received_bytes;
    uint64_t sent_bytes;
    struct psv_bytes trace_id; /* 32 hexadecimal digits when it is in a sampled trace; else empty */
    uint64_t unix_us;          /* now, for the exemplar */
};

/** A request has begun, or is at its end.  A site that was not named counts as site 0.  [any] */
void psv_metric_request_begin_site(size_t site);
void psv_metric_request_end_site(size_t site, const struct psv_metric_request *request);

/* ---- reading */

/** Bounds of histograms. */
enum psv_bounds { PSV_BOUNDS_DURATION, PSV_BOUNDS_SIZE, PSV_BOUNDS_MEMORY, PSV_BOUNDS_COUNT };

/** Most bounds that a histogram has. */
#define PSV_HISTOGRAM_BOUNDS_MAX 18

struct psv_histogram_sum {
    uint64_t counts[PSV_HISTOGRAM_BOUNDS_MAX + 1]; /* each bucket's own; behind the last bound +Inf's */
    uint64_t sum;                                  /* nanoseconds or bytes */
};

/** Sum of all sites. */
struct psv_metric_traffic {
    int64_t in_flight;
    int64_t classes[5]; /* of responses: 1xx ... 5xx */
    struct psv_histogram_sum duration;
};
void psv_metrics_read_traffic(struct psv_metric_traffic *ret_traffic);

/** Observations of a histogram over all threads.  [any] */
void psv_metrics_read_histogram(enum psv_histogram_id id, struct psv_histogram_sum *ret_sum);
uint64_t psv_histogram_count(const struct psv_histogram_sum *sum);
/** About the duration below which per_thousand of the observations lie: within its bucket by proportion; the
 * largest bound for what is beyond.  0 without observations.  [any] */
uint64_t psv_histogram_quantile_ns(const struct psv_histogram_sum *sum, unsigned per_thousand);
/** Number of observations of a histogram over all threads.  [any] */
uint64_t psv_metric_observations(enum psv_histogram_id id);

/** Bounds of a kind, ascending, and how they are spelled; returns how many.  [any] */
size_t psv_bounds_of(enum psv_bounds bounds, const uint64_t **ret_values, const char *const **ret_texts);

/** Appends one series of a histogram that somebody else keeps, with one label; the family is the caller's.
 * [any] */
void psv_metrics_format_histogram(struct psv_prometheus *out, const char *name, enum psv_bounds bounds,
                                  const struct psv_histogram_sum *sum,
                                  const struct psv_prometheus_label *label);
/** Appends all families.  [any] */
void psv_metrics_format(struct psv_prometheus *writer);
