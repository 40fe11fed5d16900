/* See status_page.h.
 *
 * SPDX-License-Identifier: MIT */
#include "status_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "exec/worker.h"
#include "handler/internal.h"
#include "observe/metrics.h"

#define NS_PER_MS UINT64_C(1000000)
#define SLOW_NS (1000 * NS_PER_MS)

static const struct psv_bytes head_text = PSV_BYTES_INIT(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"refresh\" content=\"5\">\n<meta name=\"color-scheme\" content=\"light "
    "dark\">\n<title>phpsrv</title>\n<style>\n"
    ":root { --line: #d9dde3; --soft: #667085; --bar: #3367d6; --slow: #b42318; --card: #f7f8fa; }\n"
    "@media (prefers-color-scheme: dark) { :root { --line: #343a46; --soft: #98a2b3; --bar: #7ba4ff; --slow: "
    "#ff8a80; --card: #1b1f27; } }\n"
    "body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 1rem; } h1 small { color: var(--soft); font-weight: normal; "
    "font-size: .9rem; }\n"
    ".facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; "
    "margin-bottom: 1.2rem; }\n"
    ".facts div { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: "
    ".5rem .7rem; }\n"
    ".facts b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; } .facts span { "
    "color: var(--soft); font-size: .85rem; }\n"
    "meter { width: 100%; height: .5rem; }\n"
    ".table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }\n"
    "th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: "
    "top; }\n"
    "th { color: var(--soft); font-weight: 600; font-size: .85rem; } td.n { text-align: right; "
    "font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
    "td.t { overflow-wrap: anywhere; min-width: 16rem; } td.t small { color: var(--soft); display: block; } "
    ".slow { color: var(--slow); font-weight: 600; }\n"
    ".idle td { color: var(--soft); } p { color: var(--soft); font-size: .85rem; "
    "}\n</style>\n</head>\n<body>\n");

static int put_escaped(struct psv_buffer *out, const char *text)
{
    int code = 0;

    for (; *text != '\0' && code == 0; text++) {
        switch (*text) {
        case '<':
            code = psv_buffer_printf(out, "&lt;");
            break;
        case '&':
            code = psv_buffer_printf(out, "&amp;");
            break;
        case '"':
            code = psv_buffer_printf(out, "&quot;");
            break;
        default:
            code = psv_buffer_append_byte(out, *text);
        }
    }
    return code;
}

static int put_fact(struct psv_buffer *out, const char *name, uint64_t value)
{
    return psv_buffer_printf(out, "<div><span>%s</span><b>%" PRIu64 "</b></div>\n", name, value);
}

static int put_share(struct psv_buffer *out, const char *name, uint64_t value, uint64_t max)
{
    return psv_buffer_printf(out,
                             "<div><span>%s</span><b>%" PRIu64 " <span>of %" PRIu64
                             "</span></b><meter max=\"%" PRIu64 "\" value=\"%" PRIu64 "\"></meter></div>\n",
                             name, value, max, MAX(max, UINT64_C(1)), value);
}

static int put_quantile(struct psv_buffer *out, const char *name, enum psv_histogram_id id,
                        unsigned per_thousand)
{
    uint64_t us = psv_metric_quantile_ns(id, per_thousand) / 1000;

    return us < 10000
               ? psv_buffer_printf(out, "<div><span>%s</span><b>%" PRIu64 ".%02u ms</b></div>\n", name,
                                   us / 1000, (unsigned)(us % 1000 / 10))
               : psv_buffer_printf(out, "<div><span>%s</span><b>%" PRIu64 " ms</b></div>\n", name, us / 1000);
}

static int put_facts(struct psv_buffer *out, const struct psv_internal_facts *facts)
{
    int code = put_share(out, "workers busy", facts->workers_busy, facts->workers);

    if (code == 0) {
        code = put_share(out, "requests queued", facts->queue_len, facts->queue_capacity);
    }
    if (code == 0) {
        code = put_fact(out, "connections", facts->connections);
    }
    if (code == 0) {
        code = put_fact(out, "responses 2xx and 3xx",
                        (uint64_t)(psv_metric_value(PSV_METRIC_RESPONSES_2XX) +
                                   psv_metric_value(PSV_METRIC_RESPONSES_3XX)));
    }
    if (code == 0) {
        code = put_fact(out, "responses 4xx", (uint64_t)psv_metric_value(PSV_METRIC_RESPONSES_4XX));
    }
    if (code == 0) {
        code = put_fact(out, "responses 5xx", (uint64_t)psv_metric_value(PSV_METRIC_RESPONSES_5XX));
    }
    if (code == 0) {
        code = put_quantile(out, "duration, median", PSV_HISTOGRAM_REQUEST_DURATION, 500);
    }
    if (code == 0) {
        code = put_quantile(out, "duration, 95 %", PSV_HISTOGRAM_REQUEST_DURATION, 950);
    }
    if (code == 0) {
        code = put_quantile(out, "duration, 99 %", PSV_HISTOGRAM_REQUEST_DURATION, 990);
    }
    return code == 0 ? put_quantile(out, "wait for a worker, 99 %", PSV_HISTOGRAM_QUEUE_WAIT, 990) : code;
}

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

static int put_running(struct psv_buffer *out, const struct psv_worker_report *worker)
{
    bool is_slow = worker->running_ns >= SLOW_NS;
    uint64_t ms = worker->running_ns / NS_PER_MS;
    int code = psv_buffer_printf(out, "<td class=\"n%s\">%" PRIu64 ".%03u s</td><td class=\"t\">",
                                 is_slow ? " slow" : "", ms / 1000, (unsigned)(ms % 1000));

    if (code == 0) {
        code = put_escaped(out, worker->method);
    }
    if (code == 0) {
        code = psv_buffer_append_byte(out, ' ');
    }
    if (code == 0) {
        code = put_escaped(out, worker->target);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, "<small>");
    }
    if (code == 0) {
        code = put_escaped(out, worker->script);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, " &middot; ");
    }
    if (code == 0) {
        code = put_escaped(out, worker->request_id);
    }
    return code == 0 ? psv_buffer_printf(out, "</small></td>") : code;
}

static int put_worker(struct psv_buffer *out, const struct psv_worker_report *worker)
{
    static const char *const states[] = {
        [PSV_WORKER_IDLE] = "idle", [PSV_WORKER_BUSY] = "busy", [PSV_WORKER_LOST] = "lost"};
    bool is_idle = worker->state == PSV_WORKER_IDLE;
    int code = psv_buffer_printf(
        out, "<tr class=\"%s\"><td class=\"n\">%u</td><td>%s</td><td class=\"n\">%" PRIu64 "</td>",
        states[worker->state], worker->id, states[worker->state], worker->requests);

    if (code == 0) {
        code = is_idle ? psv_buffer_printf(out, "<td></td><td></td>") : put_running(out, worker);
    }
    return code == 0 ? psv_buffer_printf(out, "</tr>\n") : code;
}

int psv_status_page_format(struct psv_buffer *out, const struct psv_internal_facts *facts,
                           struct psv_worker_report *workers, unsigned workers_len, const char *version,
                           uint64_t uptime_ms)
{
    uint64_t minutes = uptime_ms / 60000;
    int code = psv_buffer_append_bytes(out, head_text);

    qsort(workers, workers_len, sizeof(*workers), compare);
    if (code == 0) {
        code = psv_buffer_printf(out,
                                 "<h1>phpsrv <small>%s &middot; up %" PRIu64
                                 " d %02u:%02u%s</small></h1>\n<div class=\"facts\">\n",
                                 version, minutes / 1440, (unsigned)(minutes % 1440 / 60),
                                 (unsigned)(minutes % 60), facts->is_draining ? " &middot; draining" : "");
    }
    if (code == 0) {
        code = put_facts(out, facts);
    }
    if (code == 0) {
        code = psv_buffer_printf(
            out, "</div>\n<div class=\"table\"><table>\n<tr><th>worker</th><th>state</th><th>requests</th>"
                 "<th>for</th><th>runs</th></tr>\n");
    }
    for (unsigned i = 0; i < workers_len && code == 0; i++) {
        code = put_worker(out, &workers[i]);
    }
    return code == 0
               ? psv_buffer_printf(
                     out, "</table></div>\n<p>Renewed every 5 seconds. The same as JSON: Accept: "
                          "application/json. Figures since the start: /metrics.</p>\n</body>\n</html>\n")
               : code;
}
