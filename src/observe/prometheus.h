/* Writes metrics as text: the Prometheus format 0.0.4, OpenMetrics 1.0, or rows of a reference page.  Pure:
 * any thread, one writer at a time.  Knows no metric.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/macros.h"

enum psv_prometheus_format {
    PSV_PROMETHEUS_TEXT,        /* text/plain; version=0.0.4 */
    PSV_PROMETHEUS_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
    PSV_PROMETHEUS_REFERENCE,   /* a table in Markdown: each family with its labels, without numbers */
};

struct psv_prometheus_label {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    struct psv_bytes value;
};

/** A request that fell into a bucket, for those who want to look at one. */
struct psv_prometheus_exemplar {
    struct psv_bytes trace_id; /* 32 hexadecimal digits */
    uint64_t value_ns;
    uint64_t unix_us; /* when */
};

struct psv_prometheus {
    struct psv_buffer *out;
    enum psv_prometheus_format format;
    int error; /* the first one; nothing is written any more after it */
    /* of a row of the reference */
    const char *help;      /* NULL: no row is open */
    const char *row_label; /* the label whose values are being listed */
    bool row_is_listed;    /* no more values */
};

void psv_prometheus_init(struct psv_prometheus *writer, struct psv_buffer *out,
                         enum psv_prometheus_format format);
/** Ends the text.  0, or what went wrong on the way: PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_prometheus_end(struct psv_prometheus *writer);

/** The lines about a family; type: "counter", "gauge", "histogram".  name as its samples have it: a counter's
 * ends in "_total".  One that does not is of type "unknown" in OpenMetrics, where it would not be allowed: so
 * its series have one name in both formats. */
void psv_prometheus_family(struct psv_prometheus *writer, const char *name, const char *type,
                           const char *help);
/** A family that is of type "unknown" in OpenMetrics: because another one has its name without "_total", say.
 */
void psv_prometheus_unknown(struct psv_prometheus *writer, const char *name, const char *type,
                            const char *help);

/** name + suffix ("" or "_bucket" ...), labels and a whole number.  What is not UTF-8 in a label's value
 * becomes U+FFFD: it would cost the whole scrape. */
void psv_prometheus_integer(struct psv_prometheus *writer, const char *name, const char *suffix,
                            const struct psv_prometheus_label *labels, size_t labels_len, int64_t value);
/** The same with value / 10^fraction_digits, exact: nanoseconds with 9 give seconds. */
void psv_prometheus_scaled(struct psv_prometheus *writer, const char *name, const char *suffix,
                           const struct psv_prometheus_label *labels, size_t labels_len, uint64_t value,
                           unsigned fraction_digits);
/** The same with a floating-point number, to nine decimals. */
void psv_prometheus_number(struct psv_prometheus *writer, const char *name, const char *suffix,
                           const struct psv_prometheus_label *labels, size_t labels_len, double value);
/** A bucket of a histogram; the last label is "le".  exemplar may be NULL; only OpenMetrics shows it. */
void psv_prometheus_bucket(struct psv_prometheus *writer, const char *name,
                           const struct psv_prometheus_label *labels, size_t labels_len, uint64_t count,
                           const struct psv_prometheus_exemplar *exemplar);

/** Enough for every bound. */
#define PSV_PROMETHEUS_BOUND_BYTES 40
/** A bound as the value of "le", in the one spelling that OpenMetrics calls canonical ("0.25", "1.0",
 * "1e+06"): in all formats the same, so that the series are the same.  Without the locale. */
void psv_prometheus_format_bound(char out[PSV_PROMETHEUS_BOUND_BYTES], double bound);
