/* An exchange that is over, as a span for the exporter.  [loop]  Copies what it says: no allocation.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_exchange;
struct psv_otlp;

/** Does nothing for an exchange without a trace, or one that is not sampled.  now_ns: its end, monotonic. */
void psv_trace_export(struct psv_otlp *otlp, const struct psv_exchange *exchange, uint64_t now_ns,
                      bool is_aborted);
