/* See worker_metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_metrics.h"

#include "base/macros.h"
#include "exec/worker.h"
#include "observe/metrics.h"
#include "observe/prometheus.h"

/* V(name, type, number, help): one number of each script. */
#define SCRIPT_TABLE(V)                                                                                      \
    V("phpsrv_worker_threads", "gauge", facts->threads, "Threads that a script of worker mode should have.") \
    V("phpsrv_worker_ready", "gauge", facts->ready, "Threads whose script has reached its loop.")            \
    V("phpsrv_worker_busy", "gauge", facts->busy, "Threads of a script that run a request.")                 \
    V("phpsrv_worker_requests_total", "counter", facts->requests, "Requests that a script has handled.")     \
    V("phpsrv_worker_script_restarts_total", "counter", facts->restarts,                                     \
      "Boots of a script after the first, but for those after a failure: a limit, a request for it, "        \
      "its own end.")                                                                                        \
    V("phpsrv_worker_crashes_total", "counter", facts->crashes,                                              \
      "Ends of a script by a fatal error or with an exit status, after it had reached its loop.")            \
    V("phpsrv_worker_boot_failures_total", "counter", facts->boot_failures,                                  \
      "Ends of a script before it had reached its loop.")                                                    \
    V("phpsrv_worker_queue_length", "gauge", facts->queue_len,                                               \
      "Requests that wait for a thread of a script.")                                                        \
    V("phpsrv_worker_memory_bytes", "gauge", facts->memory_bytes,                                            \
      "PHP heap of all threads of a script, after their last requests.")

/* The same for FrankenPHP's names; it calls what counts up a counter without "_total". */
#define FRANKENPHP_TABLE(V)                                                                                  \
    V("frankenphp_total_workers", "gauge", facts->threads, "Total number of PHP workers for this worker")    \
    V("frankenphp_busy_workers", "gauge", facts->busy, "Number of busy PHP workers for this worker")         \
    V("frankenphp_ready_workers", "gauge", facts->ready,                                                     \
      "Running workers that have called frankenphp_handle_request at least once")                            \
    V("frankenphp_worker_crashes", "counter", facts->crashes,                                                \
      "Number of PHP worker crashes for this worker")                                                        \
    V("frankenphp_worker_restarts", "counter", facts->restarts,                                              \
      "Number of PHP worker restarts for this worker")                                                       \
    V("frankenphp_worker_request_count", "counter", facts->requests,                                         \
      "Number of requests that this worker has handled")                                                     \
    V("frankenphp_worker_queue_depth", "gauge", facts->queue_len, "Number of queued requests of this worker")

static struct psv_prometheus_label label_of(const struct psv_worker_script_facts *facts)
{
    return (struct psv_prometheus_label){"worker", psv_bytes_of(facts->name)};
}

static void put_numbers(struct psv_prometheus *out, const struct psv_worker_metrics *metrics)
{
#define V(name, type, number, help)                                                                          \
    psv_prometheus_family(out, name, type, help);                                                            \
    for (size_t i = 0; i < metrics->scripts_len; i++) {                                                      \
        const struct psv_worker_script_facts *facts = &metrics->scripts[i];                                  \
        const struct psv_prometheus_label label = label_of(facts);                                           \
        psv_prometheus_integer(out, name, "", &label, 1, (int64_t)(number));                                 \
    }
    SCRIPT_TABLE(V)
}

static void put_frankenphp_numbers(struct psv_prometheus *out, const struct psv_worker_metrics *metrics)
{
    FRANKENPHP_TABLE(V)
#undef V
}

static void put_histograms(struct psv_prometheus *out, const struct psv_worker_metrics *metrics)
{
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } rows[] = {
        {"phpsrv_worker_request_seconds", "Time that a script spent on a request.",
         offsetof(struct psv_worker_script_facts, run_seconds)},
        {"phpsrv_worker_queue_wait_seconds", "Time that requests waited for a thread of a script.",
         offsetof(struct psv_worker_script_facts, wait_seconds)},
        {"phpsrv_worker_boot_seconds", "Time from the begin of a script until it had reached its loop.",
         offsetof(struct psv_worker_script_facts, boot_seconds)},
    };

    for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
        psv_prometheus_family(out, rows[row].name, "histogram", rows[row].help);
        for (size_t i = 0; i < metrics->scripts_len; i++) {
            const struct psv_prometheus_label label = label_of(&metrics->scripts[i]);
            const void *sum = (const char *)&metrics->scripts[i] + rows[row].offset;
            psv_metrics_format_histogram(out, rows[row].name, PSV_BOUNDS_DURATION, sum, &label);
        }
    }
}

static void put_sum(struct psv_prometheus *out, const char *name, const char *help, uint64_t value)
{
    psv_prometheus_family(out, name, "gauge", help);
    psv_prometheus_integer(out, name, "", NULL, 0, (int64_t)value);
}

static void put_frankenphp(struct psv_prometheus *out, const struct psv_worker_metrics *metrics)
{
    static const char time_name[] = "frankenphp_worker_request_time";
    uint64_t threads = metrics->threads;
    uint64_t busy = metrics->busy;

    for (size_t i = 0; i < metrics->scripts_len; i++) {
        threads += metrics->scripts[i].threads;
        busy += metrics->scripts[i].busy;
    }
    put_sum(out, "frankenphp_total_threads", "Total number of PHP threads", threads);
    put_sum(out, "frankenphp_busy_threads", "Number of busy PHP threads", busy);
    put_sum(out, "frankenphp_queue_depth", "Number of regular queued requests", metrics->queue_len);
    put_frankenphp_numbers(out, metrics);
    psv_prometheus_family(out, time_name, "counter",
                          "Time that this worker has spent on requests, in seconds");
    for (size_t i = 0; i < metrics->scripts_len; i++) {
        const struct psv_prometheus_label label = label_of(&metrics->scripts[i]);
        psv_prometheus_scaled(out, time_name, "", &label, 1, metrics->scripts[i].run_seconds.sum, 9);
    }
}

void psv_worker_metrics_format(struct psv_prometheus *out, const struct psv_worker_metrics *metrics)
{
    if (metrics->scripts_len > 0 || out->format == PSV_PROMETHEUS_REFERENCE) {
        put_numbers(out, metrics);
        put_histograms(out, metrics);
    }
    if (metrics->has_frankenphp) {
        put_frankenphp(out, metrics);
    }
}
