/* /status for people; see status_page.h.  Every text that a client or a script chose passes put_escaped.
 *
 * SPDX-License-Identifier: MIT */
#include "status_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "exec/worker.h"
#include "handler/history.h"
#include "handler/internal.h"
#include "handler/status_graph.h"
#include "observe/metrics.h"
#include "observe/time_text.h"

#define NS_PER_MS UINT64_C(1000000)
#define SLOW_NS (1000 * NS_PER_MS)

static const struct psv_bytes head_text =
    PSV_BYTES_INIT("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>phpsrv</title>\n");

static const struct psv_bytes style_text = PSV_BYTES_INIT(
    "<style>\n"
    ":root { --line: #d9dde3; --soft: #5b6472; --bar: #3367d6; --slow: #b42318; --card: #f7f8fa; --mem: "
    "#6d4aff; --wait: #a15c00; --busy: #0b7a55; --link: #1a56c4; --page: #fff; --text: #16191f; }\n"
    "@media (prefers-color-scheme: dark) { :root { --line: #343a46; --soft: #a2acbc; --bar: #7ba4ff; "
    "--slow: #ff8a80; --card: #1b1f27; --mem: #b39dff; --wait: #f0b45a; --busy: #5fd3a5; --link: "
    "#8fb4ff; --page: #12151b; --text: #e8ebf0; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem; "
    "background: var(--page); color: var(--text); }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 1rem; } h1 small { color: var(--soft); font-weight: normal; "
    "font-size: .9rem; }\n"
    "h2 { font-size: 1rem; margin: 1.4rem 0 .5rem; } a { color: var(--link); }\n"
    ".facts { display: grid; grid-template-columns: repeat(2, 1fr); gap: .6rem; }\n"
    ".graphs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); "
    "gap: .6rem; }\n"
    ".facts div, .graph { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; "
    "padding: .5rem .7rem; min-width: 0; }\n"
    ".facts b, .graph b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; }\n"
    ".facts span, .graph span { color: var(--soft); font-size: .85rem; font-weight: normal; }\n"
    "meter { width: 100%; height: .5rem; display: block; margin-top: .3rem; }\n"
    "svg { display: block; width: 100%; height: 3.6rem; margin-top: .3rem; border-bottom: 1px solid "
    "var(--line); }\n"
    "polyline { fill: none; stroke: currentColor; stroke-width: 1.5; vector-effect: non-scaling-stroke; "
    "} polygon { fill: currentColor; fill-opacity: .15; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); "
    "vertical-align: top; }\n"
    "th { color: var(--soft); font-weight: 600; font-size: .85rem; } th.n, td.n { text-align: right; "
    "font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
    ".quantiles { max-width: 34rem; } .quantiles th { padding-left: 0; } .quantiles th.n { padding-left: "
    ".6rem; }\n"
    "td.t { overflow-wrap: anywhere; } .workers th:last-child { width: 99%; } td.t small { color: "
    "var(--soft); display: block; } .slow { color: var(--slow); font-weight: 600; }\n"
    ".idle td { color: var(--soft); } .lost td { color: var(--slow); } p { color: var(--soft); font-size: "
    ".85rem; margin: 1rem 0 0; line-height: 2; } p a { padding: .3rem .2rem; margin: 0 -.2rem; }\n"
    "@media (min-width: 60rem) { .facts { grid-template-columns: repeat(5, 1fr); } }\n"
    "@media (max-width: 40rem) { .workers, .workers tbody { display: block; } .workers tr:first-child { "
    "display: none; } .workers tr { display: flex; flex-wrap: wrap; gap: 0 .8rem; padding: .4rem 0; "
    "border-bottom: 1px solid var(--line); } .workers td { border: 0; padding: 0; white-space: normal; } "
    ".workers td.t { flex-basis: 100%; width: auto; } .workers td:empty { display: none; } .workers "
    "td[data-name]::before { content: attr(data-name) \" \"; color: var(--soft); font-weight: normal; } "
    ".quantiles td.n, .quantiles th.n { padding: .35rem .3rem; } }\n"
    "</style>\n</head>\n<body>\n");

/* What a client sent need not be UTF-8, and may be cut within a sequence: then it becomes U+FFFD. */
static int put_escaped(struct psv_buffer *out, const char *text)
{
    struct psv_bytes rest = psv_bytes_of(text);
    int code = 0;

    while (rest.len > 0 && code == 0) {
        uint32_t point = 0;
        size_t len = psv_utf8_decode(rest, &point);
        if (len == 0) {
            code = psv_buffer_printf(out, "&#xfffd;");
        } else if (point < 0x20 || (point < 0x7f && strchr("<>&\"'", (int)point) != NULL)) {
            code = psv_buffer_printf(out, "&#%u;", point < 0x20 ? 0xfffdu : (unsigned)point);
        } else {
            code = psv_buffer_append(out, rest.data, len);
        }
        rest = psv_bytes_from(rest, MAX(len, (size_t)1));
    }
    return code;
}

/* ---- numbers as people read them; made of whole numbers, so that no locale can spoil them */

static int put_tenths(struct psv_buffer *out, double value, const char *unit)
{
    uint64_t tenths = (uint64_t)(value * 10 + 0.5);

    return value < 100
               ? psv_buffer_printf(out, "%" PRIu64 ".%u%s", tenths / 10, (unsigned)(tenths % 10), unit)
               : psv_buffer_printf(out, "%" PRIu64 "%s", (tenths + 5) / 10, unit);
}

static int put_rate(struct psv_buffer *out, double value)
{
    return put_tenths(out, value, "/s");
}

static int put_count(struct psv_buffer *out, double value)
{
    return psv_buffer_printf(out, "%" PRIu64, (uint64_t)value);
}

static int put_ms(struct psv_buffer *out, double value)
{
    uint64_t us = (uint64_t)(value * 1e3);

    return us < 10000 ? psv_buffer_printf(out, "%" PRIu64 ".%02u ms", us / 1000, (unsigned)(us % 1000 / 10))
                      : psv_buffer_printf(out, "%" PRIu64 " ms", us / 1000);
}

static int put_bytes(struct psv_buffer *out, double value)
{
    return put_tenths(out, value / (1024 * 1024), " MiB");
}

/* ---- facts */

static int put_card(struct psv_buffer *out, const char *name, double value,
                    int (*put_value)(struct psv_buffer *out, double value))
{
    int code = psv_buffer_printf(out, "<div><span>%s</span><b>", name);

    if (code == 0) {
        code = put_value(out, value);
    }
    return code == 0 ? psv_buffer_printf(out, "</b></div>\n") : code;
}

static int put_share(struct psv_buffer *out, const char *name, uint64_t value, uint64_t max)
{
    return psv_buffer_printf(out,
                             "<div><span>%s</span><b>%" PRIu64 " <span>of %" PRIu64
                             "</span></b><meter max=\"%" PRIu64 "\" value=\"%" PRIu64 "\"></meter></div>\n",
                             name, value, max, MAX(max, UINT64_C(1)), value);
}

static int put_facts(struct psv_buffer *out, const struct psv_status *status,
                     const struct psv_history_minute *minute, const struct psv_metric_traffic *all)
{
    const struct psv_internal_facts *facts = status->facts;
    const struct {
        const char *name;
        double value;
        int (*put)(struct psv_buffer *out, double value);
    } cards[] = {
        {"requests, last minute", psv_history_rate(minute->requests, minute->duration_ns), put_rate},
        {"5xx, last minute", (double)minute->errors, put_count},
        {"requests in flight", (double)MAX(all->in_flight, (int64_t)0), put_count},
        {"connections", (double)facts->connections, put_count},
        {"requests since start", (double)psv_histogram_count(&all->duration), put_count},
        {"2xx and 3xx since start", (double)(all->classes[1] + all->classes[2]), put_count},
        {"4xx since start", (double)all->classes[3], put_count},
        {"5xx since start", (double)all->classes[4], put_count},
    };
    int code = psv_buffer_printf(out, "<div class=\"facts\">\n");

    if (code == 0) {
        code = put_share(out, "workers busy", facts->workers_busy, facts->workers);
    }
    if (code == 0) {
        code = put_share(out, "requests queued", facts->queue_len, facts->queue_capacity);
    }
    for (size_t i = 0; i < ARRAY_SIZE(cards) && code == 0; i++) {
        code = put_card(out, cards[i].name, cards[i].value, cards[i].put);
    }
    return code == 0 ? psv_buffer_printf(out, "</div>\n") : code;
}

static int put_quantile_row(struct psv_buffer *out, const char *name, const struct psv_histogram_sum *sum)
{
    static const unsigned per_thousand[] = {500, 900, 990};
    int code = psv_buffer_printf(out, "<tr><th>%s</th>", name);

    for (size_t i = 0; i < ARRAY_SIZE(per_thousand) && code == 0; i++) {
        code = psv_buffer_printf(out, "<td class=\"n\">");
        if (code == 0) {
            code = put_ms(out, (double)psv_histogram_quantile_ns(sum, per_thousand[i]) / 1e6);
        }
        if (code == 0) {
            code = psv_buffer_printf(out, "</td>");
        }
    }
    return code == 0 ? psv_buffer_printf(out, "</tr>\n") : code;
}

static int put_quantiles(struct psv_buffer *out, const struct psv_history_minute *minute,
                         const struct psv_metric_traffic *all)
{
    struct psv_histogram_sum waits;
    int code = psv_buffer_printf(
        out, "<h2>Time</h2>\n<table class=\"quantiles\">\n<tr><th></th><th class=\"n\">median"
             "</th><th class=\"n\">90 %%</th><th class=\"n\">99 %%</th></tr>\n");

    psv_metrics_read_histogram(PSV_HISTOGRAM_QUEUE_WAIT, &waits);
    if (code == 0) {
        code = put_quantile_row(out, "requests, last minute", &minute->duration);
    }
    if (code == 0) {
        code = put_quantile_row(out, "requests, since start", &all->duration);
    }
    if (code == 0) {
        code = put_quantile_row(out, "wait for a worker, since start", &waits);
    }
    return code == 0 ? psv_buffer_printf(out, "</table>\n") : code;
}

/* ---- curves */

static double rate_of(const struct psv_history_sample *sample)
{
    return psv_history_rate(sample->requests, sample->duration_ns);
}

static double errors_of(const struct psv_history_sample *sample)
{
    return psv_history_rate(sample->errors, sample->duration_ns);
}

static double p99_of(const struct psv_history_sample *sample)
{
    return (double)psv_history_quantile_ns(sample, 990) / 1e6;
}

static double queue_of(const struct psv_history_sample *sample)
{
    return sample->queue_max;
}

static double busy_of(const struct psv_history_sample *sample)
{
    return sample->busy_max;
}

static double memory_of(const struct psv_history_sample *sample)
{
    return (double)sample->memory_bytes;
}

static int put_graphs(struct psv_buffer *out, const struct psv_status *status)
{
    const struct {
        const char *name;
        const char *color;
        double (*value_of)(const struct psv_history_sample *sample);
        int (*put_value)(struct psv_buffer *out, double value);
        double least_top;
    } rows[] = {
        {"requests", "--bar", rate_of, put_rate, 1},
        {"errors (5xx)", "--slow", errors_of, put_rate, 1},
        {"duration, 99 %", "--bar", p99_of, put_ms, 1},
        {"queue", "--wait", queue_of, put_count, 1},
        {"busy workers", "--busy", busy_of, put_count, status->facts->workers},
        {"memory, without files", "--mem", memory_of, put_bytes, 1},
    };
    double values[PSV_HISTORY_SAMPLES];
    unsigned len = status->history->len;
    int code = psv_buffer_printf(out, "<h2>Last %u minutes</h2>\n<div class=\"graphs\">\n",
                                 (unsigned)(PSV_HISTORY_SAMPLES * PSV_HISTORY_SAMPLE_NS / NS_PER_MS / 60000));

    for (size_t i = 0; i < ARRAY_SIZE(rows) && code == 0; i++) {
        for (unsigned k = 0; k < len; k++) {
            values[k] = rows[i].value_of(psv_history_at(status->history, k));
        }
        const struct psv_status_graph graph = {
            .name = rows[i].name,
            .color = rows[i].color,
            .values = values,
            .values_len = len,
            .values_max = PSV_HISTORY_SAMPLES,
            .least_top = rows[i].least_top,
            .put_value = rows[i].put_value,
        };
        code = psv_status_graph_format(out, &graph);
    }
    return code == 0 ? psv_buffer_printf(out, "</div>\n") : code;
}

/* ---- workers */

/* What runs longest first; who is idle last, by number. */
static int compare(const void *a, const void *b)
{
    const struct psv_worker_report *one = a;
    const struct psv_worker_report *other = b;

    if ((one->state == PSV_WORKER_IDLE) != (other->state == PSV_WORKER_IDLE)) {
        return one->state == PSV_WORKER_IDLE ? 1 : -1;
    }
    if (one->running_ns != other->running_ns) {
        return one->running_ns < other->running_ns ? 1 : -1;
    }
    return one->id < other->id ? -1 : 1;
}

void psv_status_sort(struct psv_status *status)
{
    qsort(status->workers, status->workers_len, sizeof(*status->workers), compare);
}

const char *psv_status_state_name(const struct psv_worker_report *worker)
{
    switch (worker->state) {
    case PSV_WORKER_IDLE:
        return "idle";
    case PSV_WORKER_BUSY:
        return "busy";
    case PSV_WORKER_LOST:
        return "lost";
    case PSV_WORKER_BOOTING:
        return "booting";
    case PSV_WORKER_BACKING_OFF:
        return "back-off";
    }
    return "";
}

/* Texts in a row; odd ones are what somebody else chose. */
static int put_texts(struct psv_buffer *out, const char *const *texts, size_t len)
{
    int code = 0;

    for (size_t i = 0; i < len && code == 0; i++) {
        code = i % 2 == 0 ? psv_buffer_append_bytes(out, psv_bytes_of(texts[i])) : put_escaped(out, texts[i]);
    }
    return code;
}

static int put_running(struct psv_buffer *out, const struct psv_status *status,
                       const struct psv_worker_report *worker)
{
    uint64_t ms = worker->running_ns / NS_PER_MS;
    char since[PSV_TIME_TEXT_LEN];
    const char *const texts[] = {"<td class=\"t\">", worker->method,    " ",          worker->target,
                                 "<small>",          worker->script,    " &middot; ", worker->client,
                                 " &middot; ",       worker->request_id};

    psv_time_format(since, status->now_unix_us - worker->running_ns / 1000);
    int code =
        psv_buffer_printf(out, "<td class=\"n%s\">%" PRIu64 ".%03u s</td>",
                          worker->running_ns >= SLOW_NS ? " slow" : "", ms / 1000, (unsigned)(ms % 1000));
    if (code == 0) {
        code = put_texts(out, texts, ARRAY_SIZE(texts));
    }
    /* the time of day and "UTC" are enough */
    return code == 0 ? psv_buffer_printf(out, " &middot; since %.*s UTC</small></td>", 8, since + 11) : code;
}

static int put_worker(struct psv_buffer *out, const struct psv_status *status,
                      const struct psv_worker_report *worker)
{
    const char *state = psv_status_state_name(worker);
    int code =
        psv_buffer_printf(out,
                          "<tr class=\"%s\"><td class=\"n\" data-name=\"worker\">%u</td><td>%s</td><td "
                          "class=\"n\" data-name=\"requests\">%" PRIu64 "</td>",
                          state, worker->id, state, worker->requests);

    if (code == 0) {
        bool has_request = worker->state == PSV_WORKER_BUSY || worker->state == PSV_WORKER_LOST;
        code = has_request ? put_running(out, status, worker) : psv_buffer_printf(out, "<td></td><td></td>");
    }
    return code == 0 ? psv_buffer_printf(out, "</tr>\n") : code;
}

/* Those of one group. */
static int put_workers(struct psv_buffer *out, const struct psv_status *status, unsigned group)
{
    int code = psv_buffer_printf(out, "<table class=\"workers\">\n<tr><th class=\"n\">worker</th>"
                                      "<th>state</th><th class=\"n\">requests</th><th class=\"n\">for</th>"
                                      "<th>runs</th></tr>\n");

    for (unsigned i = 0; i < status->workers_len && code == 0; i++) {
        if (status->workers[i].group == group) {
            code = put_worker(out, status, &status->workers[i]);
        }
    }
    return code == 0 ? psv_buffer_printf(out, "</table>\n") : code;
}

static int put_script(struct psv_buffer *out, const struct psv_status *status, unsigned group)
{
    const struct psv_worker_script_facts *facts = &status->scripts[group - 1];
    const char *const name[] = {"<h2>Worker script ", facts->name, "</h2>\n"};
    int code = put_texts(out, name, ARRAY_SIZE(name));

    if (code == 0) {
        code = psv_buffer_printf(
            out,
            "<p class=\"script\">%u of %u ready, %u busy, %zu of %zu queued; %" PRIu64 " requests, %" PRIu64
            " restarts, %" PRIu64 " crashes, %" PRIu64 " failed boots; last boot ",
            facts->ready, facts->threads, facts->busy, facts->queue_len, facts->queue_capacity,
            facts->requests, facts->restarts, facts->crashes, facts->boot_failures);
    }
    if (code == 0) {
        code = put_ms(out, (double)facts->boot_ns / 1e6);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, ", heaps ");
    }
    if (code == 0) {
        code = put_bytes(out, (double)facts->memory_bytes);
    }
    if (code == 0) {
        code = psv_buffer_printf(
            out, "%s</p>\n", facts->is_failing ? ". <strong>It does not boot: see the log.</strong>" : "");
    }
    return code == 0 ? put_workers(out, status, group) : code;
}

static int put_groups(struct psv_buffer *out, const struct psv_status *status)
{
    int code = psv_buffer_printf(out, "<h2>Workers</h2>\n");

    if (code == 0) {
        code = put_workers(out, status, 0);
    }
    for (unsigned i = 1; i <= status->scripts_len && code == 0; i++) {
        code = put_script(out, status, i);
    }
    return code;
}

static int put_head(struct psv_buffer *out, const struct psv_status *status)
{
    uint64_t minutes = status->uptime_ms / 60000;
    int code = psv_buffer_append_bytes(out, head_text);

    if (code == 0 && status->refresh_s > 0) {
        code = psv_buffer_printf(out, "<meta http-equiv=\"refresh\" content=\"%u\">\n", status->refresh_s);
    }
    if (code == 0) {
        code = psv_buffer_append_bytes(out, style_text);
    }
    return code == 0 ? psv_buffer_printf(
                           out, "<h1>phpsrv <small>%s &middot; up %" PRIu64 " d %02u:%02u%s</small></h1>\n",
                           status->version, minutes / 1440, (unsigned)(minutes % 1440 / 60),
                           (unsigned)(minutes % 60), status->facts->is_draining ? " &middot; draining" : "")
                     : code;
}

static int put_foot(struct psv_buffer *out, const struct psv_status *status)
{
    int code = status->refresh_s > 0 ? psv_buffer_printf(out, "<p>Renewed every %u s", status->refresh_s)
                                     : psv_buffer_printf(out, "<p>Not renewed by itself");

    return code == 0
               ? psv_buffer_printf(
                     out, ": <a href=\"?refresh=0\">never</a>, <a href=\"?refresh=2\">2 s</a>, <a "
                          "href=\"?refresh=5\">5 s</a>, <a href=\"?refresh=30\">30 s</a>. The same as <a "
                          "href=\"?json\">JSON</a>. For Prometheus: <a href=\"metrics\">/metrics</a>.</p>\n"
                          "</body>\n</html>\n")
               : code;
}

int psv_status_format_html(struct psv_buffer *out, const struct psv_status *status)
{
    struct psv_history_minute minute;
    struct psv_metric_traffic all;
    int code = put_head(out, status);

    psv_history_read_minute(status->history, status->now_ns, &minute);
    psv_metrics_read_traffic(&all);
    if (code == 0) {
        code = put_facts(out, status, &minute, &all);
    }
    if (code == 0) {
        code = put_graphs(out, status);
    }
    if (code == 0) {
        code = put_quantiles(out, &minute, &all);
    }
    if (code == 0) {
        code = put_groups(out, status);
    }
    return code == 0 ? put_foot(out, status) : code;
}
