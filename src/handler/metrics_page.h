/* The scrape: which format a client gets, and the text.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/macros.h"
#include "observe/prometheus.h"

struct psv_body_filter;
struct psv_buffer;
struct psv_executor;
struct psv_headers;
struct psv_worker_metrics;

/** OpenMetrics 1.0 when Accept gives it at least the weight of the text format, as Prometheus does; else the
 * text format. */
enum psv_prometheus_format psv_metrics_page_choose(const struct psv_headers *headers);
struct psv_bytes psv_metrics_page_type(enum psv_prometheus_format format);

/** All metrics: the server's, those of worker scripts (may be NULL), the executor's (may be NULL), the
 * application's.  0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_metrics_page_format(const struct psv_executor *executor, enum psv_prometheus_format format,
                                       const struct psv_worker_metrics *workers, struct psv_buffer *out);

/** Replaces the text by its encoded form.  True when that was done: not when the text is small, or so large
 * that it would hold the loop up. */
bool psv_metrics_page_compress(const struct psv_body_filter *filter, struct psv_buffer *text);

/** docs/metrics.md: all families of the server and of these executors, NULL-terminated.  0, PSV_ENOMEM,
 * PSV_ELIMIT.
 */
MUST_CHECK int psv_metrics_page_reference(const struct psv_executor *const *executors,
                                          struct psv_buffer *out);
