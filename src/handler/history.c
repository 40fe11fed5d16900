/* See history.h.
 *
 * SPDX-License-Identifier: MIT */
#include "history.h"

#include <string.h>

#include "base/macros.h"
#include "os/process.h"

#define MINUTE_SAMPLES 12

static uint64_t memory_bytes(void)
{
    struct psv_process_memory memory;

    return psv_process_read_memory(&memory) == 0 ? memory.anonymous_bytes + memory.shared_bytes : 0;
}

static void begin_sample(struct psv_history *history, uint64_t now_ns, const struct psv_metric_traffic *now)
{
    history->last = *now;
    history->last_ns = now_ns;
    history->queue_max = 0;
    history->busy_max = 0;
}

void psv_history_init(struct psv_history *history, uint64_t now_ns)
{
    struct psv_metric_traffic now;

    memset(history, 0, sizeof(*history));
    psv_metrics_read_traffic(&now);
    begin_sample(history, now_ns, &now);
}

static void end_sample(struct psv_history *history, uint64_t now_ns)
{
    struct psv_history_sample *sample = &history->samples[history->next];
    const struct psv_metric_traffic *last = &history->last;
    struct psv_metric_traffic now;

    psv_metrics_read_traffic(&now);
    *sample = (struct psv_history_sample){
        .duration_ns = now_ns - history->last_ns,
        .requests = psv_histogram_count(&now.duration) - psv_histogram_count(&last->duration),
        .errors = (uint64_t)(now.classes[4] - last->classes[4]),
        .queue_max = history->queue_max,
        .busy_max = history->busy_max,
        .memory_bytes = memory_bytes(),
    };
    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
        sample->counts[i] = (uint32_t)(now.duration.counts[i] - last->duration.counts[i]);
    }
    history->next = (history->next + 1) % PSV_HISTORY_SAMPLES;
    history->len = MIN(history->len + 1, (unsigned)PSV_HISTORY_SAMPLES);
    begin_sample(history, now_ns, &now);
}

void psv_history_tick(struct psv_history *history, uint64_t now_ns, uint64_t queue_len, unsigned busy)
{
    history->queue_max = MAX(history->queue_max, (uint32_t)MIN(queue_len, UINT32_MAX));
    history->busy_max = MAX(history->busy_max, busy);
    if (now_ns - history->last_ns >= PSV_HISTORY_SAMPLE_NS) {
        end_sample(history, now_ns);
    }
}

const struct psv_history_sample *psv_history_at(const struct psv_history *history, unsigned i)
{
    return &history->samples[(history->next + PSV_HISTORY_SAMPLES - history->len + i) % PSV_HISTORY_SAMPLES];
}

void psv_history_read_minute(const struct psv_history *history, uint64_t now_ns,
                             struct psv_history_minute *ret_minute)
{
    struct psv_metric_traffic now;
    struct psv_history_minute minute = {.duration_ns = now_ns - MIN(history->last_ns, now_ns)};

    psv_metrics_read_traffic(&now); /* what belongs to no sample yet */
    minute.errors = (uint64_t)(now.classes[4] - history->last.classes[4]);
    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
        minute.duration.counts[i] = now.duration.counts[i] - history->last.duration.counts[i];
    }
    for (unsigned k = 0; k < MIN(history->len, (unsigned)MINUTE_SAMPLES - 1); k++) {
        const struct psv_history_sample *sample = psv_history_at(history, history->len - 1 - k);
        minute.duration_ns += sample->duration_ns;
        minute.errors += sample->errors;
        for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
            minute.duration.counts[i] += sample->counts[i];
        }
    }
    minute.requests = psv_histogram_count(&minute.duration);
    *ret_minute = minute;
}

double psv_history_rate(uint64_t count, uint64_t duration_ns)
{
    return duration_ns > 0 ? (double)count * 1e9 / (double)duration_ns : 0;
}

uint64_t psv_history_quantile_ns(const struct psv_history_sample *sample, unsigned per_thousand)
{
    struct psv_histogram_sum sum = {.sum = 0};

    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
        sum.counts[i] = sample->counts[i];
    }
    return psv_histogram_quantile_ns(&sum, per_thousand);
}
