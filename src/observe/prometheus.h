/* Writes the Prometheus text format 0.0.4.  Pure: any thread, one buffer at a time.  Knows no metric.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/macros.h"

struct psv_prometheus_label {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    struct psv_bytes value;
};

/* All functions return 0, PSV_ENOMEM or PSV_ELIMIT; the buffer may then hold a part of the line. */

/** The HELP and TYPE lines of a family; type: "counter", "gauge", "histogram". */
MUST_CHECK int psv_prometheus_family(struct psv_buffer *out, const char *name, const char *type,
                                     const char *help);

/** name + suffix ("" or "_bucket" ...), labels and a whole number. */
MUST_CHECK int psv_prometheus_integer(struct psv_buffer *out, const char *name, const char *suffix,
                                      const struct psv_prometheus_label *labels, size_t labels_len,
                                      int64_t value);
/** The same with value / 10^fraction_digits, exact: nanoseconds with 9 give seconds. */
MUST_CHECK int psv_prometheus_scaled(struct psv_buffer *out, const char *name, const char *suffix,
                                     const struct psv_prometheus_label *labels, size_t labels_len,
                                     uint64_t value, unsigned fraction_digits);
/** The same with a floating-point number, to nine decimals. */
MUST_CHECK int psv_prometheus_number(struct psv_buffer *out, const char *name, const char *suffix,
                                     const struct psv_prometheus_label *labels, size_t labels_len,
                                     double value);
