/* Metrics that the application makes: counters, gauges and histograms by name and labels, made when they are
 * first used.  One registry per process behind one mutex, which is held for a look-up and never while
 * anything of the application runs.  [any]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "observe/prometheus.h"

enum psv_user_metric_kind {
    PSV_USER_COUNTER,   /* value is added */
    PSV_USER_GAUGE,     /* value is set */
    PSV_USER_HISTOGRAM, /* value is observed */
};

/* Bounds of the registry: names, and series of all names together. */
#define PSV_USER_METRIC_FAMILIES_MAX 500
#define PSV_USER_METRIC_SERIES_MAX 10000
#define PSV_USER_METRIC_BUCKETS_MAX 32
#define PSV_USER_METRIC_LABELS_MAX 16

struct psv_user_metric {
    enum psv_user_metric_kind kind;
    struct psv_bytes name;                     /* psv_user_metric_name_is_valid */
    struct psv_bytes help;                     /* of the first use; "" = none */
    const struct psv_prometheus_label *labels; /* names valid, sorted, each once */
    size_t labels_len;
    const double *buckets; /* of a histogram: upper bounds, ascending, finite; of the first use */
    size_t buckets_len;
};

/** [a-zA-Z_:][a-zA-Z0-9_:]*, and none of the server's own (phpsrv_, process_). */
bool psv_user_metric_name_is_valid(struct psv_bytes name);
/** [a-zA-Z_][a-zA-Z0-9_]*, but le, quantile and what begins with "__". */
bool psv_user_metric_label_is_valid(struct psv_bytes name);

/** Counts value, which is finite (and not negative for a counter).  0; PSV_EINVAL: the name is another
 * kind's; PSV_ELIMIT: there are too many; PSV_ENOMEM. */
MUST_CHECK int psv_user_metric_record(const struct psv_user_metric *metric, double value);

/** Appends all. */
void psv_user_metrics_format(struct psv_prometheus *out);
/** Forgets all.  [boot] */
void psv_user_metrics_clear(void);
