/* /status for programs; documented in docs/metrics.md.  Knows no HTML.
 *
 * SPDX-License-Identifier: MIT */
#include "status_page.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "exec/worker.h"
#include "handler/history.h"
#include "handler/internal.h"
#include "handler/json_text.h"
#include "handler/worker_scripts.h"
#include "observe/decimal.h"
#include "observe/time_text.h"

static int put_text(struct psv_buffer *out, const char *text)
{
    return psv_json_text_put(out, psv_bytes_of(text));
}

static int put_number(struct psv_buffer *out, const char *name, double value, const char *end)
{
    char text[PSV_DECIMAL_BYTES];

    (void)psv_decimal_format(text, value, 6);
    return psv_buffer_printf(out, "\"%s\": %s%s", name, text, end);
}

static int put_quantiles(struct psv_buffer *out, const struct psv_histogram_sum *sum)
{
    static const struct {
        const char *name;
        unsigned per_thousand;
    } rows[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}};
    int code = psv_buffer_printf(out, "\"duration_seconds\": {");

    for (size_t i = 0; i < ARRAY_SIZE(rows) && code == 0; i++) {
        code =
            put_number(out, rows[i].name, (double)psv_histogram_quantile_ns(sum, rows[i].per_thousand) / 1e9,
                       i + 1 < ARRAY_SIZE(rows) ? ", " : "}}");
    }
    return code;
}

static int put_traffic(struct psv_buffer *out, const struct psv_status *status)
{
    struct psv_history_minute minute;
    struct psv_metric_traffic all;
    uint64_t uptime_ns = status->uptime_ms * 1000000u;

    psv_history_read_minute(status->history, status->now_ns, &minute);
    psv_metrics_read_traffic(&all);
    int code =
        psv_buffer_printf(out,
                          ",\n\"requests_in_flight\": %" PRId64 ",\n\"last_minute\": {\"requests\": %" PRIu64
                          ", \"errors_5xx\": %" PRIu64 ", ",
                          all.in_flight, minute.requests, minute.errors);
    if (code == 0) {
        code = put_number(out, "requests_per_second", psv_history_rate(minute.requests, minute.duration_ns),
                          ", ");
    }
    if (code == 0) {
        code = put_quantiles(out, &minute.duration);
    }
    if (code == 0) {
        code = psv_buffer_printf(out,
                                 ",\n\"since_start\": {\"requests\": %" PRIu64
                                 ", \"responses\": {\"1xx\": %" PRId64 ", \"2xx\": %" PRId64
                                 ", \"3xx\": %" PRId64 ", \"4xx\": %" PRId64 ", \"5xx\": %" PRId64 "}, ",
                                 psv_histogram_count(&all.duration), all.classes[0], all.classes[1],
                                 all.classes[2], all.classes[3], all.classes[4]);
    }
    if (code == 0) {
        code = put_number(out, "requests_per_second",
                          psv_history_rate(psv_histogram_count(&all.duration), uptime_ns), ", ");
    }
    return code == 0 ? put_quantiles(out, &all.duration) : code;
}

static int put_sample(struct psv_buffer *out, const struct psv_history_sample *sample, bool is_first)
{
    int code = psv_buffer_printf(out, "%s\n  {", is_first ? "" : ",");

    if (code == 0) {
        code = put_number(out, "seconds", (double)sample->duration_ns / 1e9, ", ");
    }
    if (code == 0) {
        code = psv_buffer_printf(out, "\"requests\": %" PRIu64 ", \"errors_5xx\": %" PRIu64 ", ",
                                 sample->requests, sample->errors);
    }
    if (code == 0) {
        code = put_number(out, "p99_seconds", (double)psv_history_quantile_ns(sample, 990) / 1e9, ", ");
    }
    return code == 0 ? psv_buffer_printf(out,
                                         "\"queue_max\": %" PRIu32 ", \"busy_max\": %" PRIu32
                                         ", \"memory_bytes\": %" PRIu64 "}",
                                         sample->queue_max, sample->busy_max, sample->memory_bytes)
                     : code;
}

static int put_history(struct psv_buffer *out, const struct psv_history *history)
{
    int code = psv_buffer_printf(out, ",\n\"history\": [");

    for (unsigned i = 0; i < history->len && code == 0; i++) {
        code = put_sample(out, psv_history_at(history, i), i == 0);
    }
    return code == 0 ? psv_buffer_printf(out, "%s]", history->len > 0 ? "\n" : "") : code;
}

static int put_run(struct psv_buffer *out, const struct psv_status *status,
                   const struct psv_worker_report *worker)
{
    const struct {
        const char *name;
        const char *text;
    } texts[] = {
        {"request_id", worker->request_id}, {"client", worker->client}, {"method", worker->method},
        {"target", worker->target},         {"script", worker->script},
    };
    char since[PSV_TIME_TEXT_LEN];

    psv_time_format(since, status->now_unix_us - worker->running_ns / 1000);
    int code = psv_buffer_printf(out, ", \"since\": \"%.*s\", ", PSV_TIME_TEXT_LEN, since);
    if (code == 0) {
        code = put_number(out, "running_seconds", (double)worker->running_ns / 1e9, "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts) && code == 0; i++) {
        code = psv_buffer_printf(out, ", \"%s\": ", texts[i].name);
        if (code == 0) {
            code = put_text(out, texts[i].text);
        }
    }
    return code;
}

static int put_worker(struct psv_buffer *out, const struct psv_status *status,
                      const struct psv_worker_report *worker, bool is_first)
{
    int code =
        psv_buffer_printf(out, "%s\n  {\"worker\": %u, \"state\": \"%s\", \"requests\": %" PRIu64,
                          is_first ? "" : ",", worker->id, psv_status_state_name(worker), worker->requests);

    if (code == 0 && worker->group > 0) {
        code = psv_buffer_printf(out, ", \"restarts\": %" PRIu64 ", ", worker->restarts);
        if (code == 0) {
            code = put_number(out, "last_boot_seconds", (double)worker->boot_ns / 1e9, "");
        }
    }
    if (code == 0 && (worker->state == PSV_WORKER_BUSY || worker->state == PSV_WORKER_LOST)) {
        code = put_run(out, status, worker);
    }
    return code == 0 ? psv_buffer_append(out, "}", 1) : code;
}

/* Those of one group. */
static int put_workers(struct psv_buffer *out, const struct psv_status *status, unsigned group)
{
    bool is_first = true;
    int code = 0;

    for (unsigned i = 0; i < status->workers_len && code == 0; i++) {
        if (status->workers[i].group == group) {
            code = put_worker(out, status, &status->workers[i], is_first);
            is_first = false;
        }
    }
    return code == 0 && !is_first ? psv_buffer_append_byte(out, '\n') : code;
}

int psv_status_format_json(struct psv_buffer *out, const struct psv_status *status)
{
    const struct psv_internal_facts *facts = status->facts;
    int code = psv_buffer_printf(out, "{\"version\": \"%s\", ", status->version);

    if (code == 0) {
        code = put_number(out, "uptime_seconds", (double)status->uptime_ms / 1e3, ",\n");
    }
    if (code == 0) {
        code = psv_buffer_printf(out,
                                 "\"connections\": %" PRIu64 ", \"queue\": %" PRIu64
                                 ", \"queue_capacity\": %" PRIu64 ", \"draining\": %s",
                                 facts->connections, facts->queue_len, facts->queue_capacity,
                                 facts->is_draining ? "true" : "false");
    }
    if (code == 0) {
        code = put_traffic(out, status);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, ",\n\"workers\": [");
    }
    if (code == 0) {
        code = put_workers(out, status, 0);
    }
    if (code == 0) {
        code = psv_buffer_append_byte(out, ']');
    }
    if (code == 0) {
        code = psv_worker_scripts_put_json(out, status, put_workers);
    }
    if (code == 0) {
        code = put_history(out, status->history);
    }
    return code == 0 ? psv_buffer_printf(out, "}\n") : code;
}
