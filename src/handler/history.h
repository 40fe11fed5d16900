/* The last ten minutes, for /status: a ring of samples that a timer fills; its memory is constant.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/metrics.h"

/** A sample is of five seconds; what is a state and no count is looked at each second, its maximum is kept.
 */
#define PSV_HISTORY_SAMPLES 120
#define PSV_HISTORY_SAMPLE_NS (UINT64_C(5) * 1000000000u)
#define PSV_HISTORY_TICK_NS UINT64_C(1000000000)

struct psv_history_sample {
    uint64_t duration_ns; /* that it is of */
    uint64_t requests;
    uint64_t errors;                               /* 5xx */
    uint32_t counts[PSV_HISTOGRAM_BOUNDS_MAX + 1]; /* durations of requests */
    uint32_t queue_max;
    uint32_t busy_max;
    uint64_t memory_bytes;
};

struct psv_history {
    struct psv_history_sample samples[PSV_HISTORY_SAMPLES];
    unsigned next; /* place of the next sample */
    unsigned len;
    struct psv_metric_traffic last; /* as it was when the last sample ended, ... */
    uint64_t last_ns;               /* ... monotonic */
    uint32_t queue_max;             /* since then */
    uint32_t busy_max;
};

/** What is counted from now on is in the first sample. */
void psv_history_init(struct psv_history *history, uint64_t now_ns);
/** Once a second. */
void psv_history_tick(struct psv_history *history, uint64_t now_ns, uint64_t queue_len, unsigned busy);
/** The i-th sample, the oldest first. */
const struct psv_history_sample *psv_history_at(const struct psv_history *history, unsigned i);

/** The last minute, up to now. */
struct psv_history_minute {
    uint64_t duration_ns; /* less when there was less */
    uint64_t requests;
    uint64_t errors;
    struct psv_histogram_sum duration;
};
void psv_history_read_minute(const struct psv_history *history, uint64_t now_ns,
                             struct psv_history_minute *ret_minute);

/** Of a sample: requests or errors a second, and quantiles as psv_histogram_quantile_ns has them. */
double psv_history_rate(uint64_t count, uint64_t duration_ns);
uint64_t psv_history_quantile_ns(const struct psv_history_sample *sample, unsigned per_thousand);
