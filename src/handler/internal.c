/* /health, /metrics, /config, /status.  [loop]  Texts are built in one buffer that lives until the exchange
 * is freed. Must not know codecs or threads.
 *
 * SPDX-License-Identifier: MIT */
#include "internal.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "config/config.h"
#include "exec/body_filter.h"
#include "exec/exchange.h"
#include "exec/worker.h"
#include "handler/frankenphp_admin.h"
#include "handler/history.h"
#include "handler/metrics_page.h"
#include "handler/status_page.h"
#include "handler/text_answer.h"
#include "handler/worker_metrics.h"
#include "handler/worker_scripts.h"
#include "http/accept.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "phpsrv/executor.h"

#define BODY_MAX_BYTES ((size_t)8 << 20)
/* How often the browser renews /status, unless it is told otherwise. */
#define REFRESH_S 5u
#define REFRESH_MAX_S 3600u
/* /status shows what clients sent: it may neither load nor run nor be framed. */
#define PAGE_POLICY                                                                                          \
    PSV_BYTES("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "         \
              "frame-ancestors 'none'")
#define FACTS_MAX 16
#define WORKERS_SHOWN_MAX 512u

static const struct psv_bytes type_plain = PSV_BYTES_INIT("text/plain; charset=utf-8");
static const struct psv_bytes type_json = PSV_BYTES_INIT("application/json");

struct psv_internal {
    struct psv_internal_options options;
    uint64_t started_ns;
    struct psv_history history;
    /* the look at which the workers were first seen jammed, with jobs_taken as it was then */
    bool is_jammed;
    uint64_t jammed_ns;
    uint64_t jammed_jobs_taken;
};

/* A page being built; on the exchange's arena. */
struct page {
    struct psv_internal *internal;
    struct psv_text_answer answer;
    struct psv_bytes content_type;
    unsigned status;
    const struct psv_request *request;
    /* fields; "" = none */
    struct psv_bytes coding;
    struct psv_bytes policy;
    struct psv_bytes varies_by;
};

/** Fills the answer's text, content_type and status.  0 or an error: then the answer is 500. */
typedef int page_fn(struct page *page);

static page_fn build_health;
static page_fn build_ready;
static page_fn build_metrics;
static page_fn build_config;
static page_fn build_status;
static page_fn build_list;

static const struct {
    struct psv_bytes path;
    page_fn *build;
} pages[] = {
    {PSV_BYTES_INIT("/health"), build_health},   {PSV_BYTES_INIT("/ready"), build_ready},
    {PSV_BYTES_INIT("/metrics"), build_metrics}, {PSV_BYTES_INIT("/config"), build_config},
    {PSV_BYTES_INIT("/status"), build_status},   {PSV_BYTES_INIT("/"), build_list},
};

/* Labels of phpsrv_build_info; facts beyond what observe/ holds are left out. */
static void set_build_info(const struct psv_internal_options *options)
{
    const struct psv_executor *executor = options->executor;
    struct psv_executor_fact facts[FACTS_MAX];
    (void)psv_metrics_set_info("version", psv_bytes_of(options->version));
    if (executor == NULL)
        return;
    (void)psv_metrics_set_info("executor", psv_bytes_of(executor->name));
    size_t len = executor->facts != NULL ? executor->facts(facts, FACTS_MAX) : 0;
    for (size_t i = 0; i < len; i++)
        (void)psv_metrics_set_info(facts[i].name, psv_bytes_of(facts[i].value));
}

struct psv_internal *psv_internal_new(const struct psv_internal_options *options)
{
    struct psv_internal *internal = psv_calloc(1, sizeof(*internal));
    if (internal == NULL)
        return NULL;
    internal->options = *options;
    if (internal->options.monotonic_ns == NULL)
        internal->options.monotonic_ns = psv_clock_monotonic_coarse_ns;
    internal->started_ns = internal->options.monotonic_ns();
    psv_history_init(&internal->history, internal->started_ns);
    set_build_info(options);
    return internal;
}

static struct psv_internal_facts read_facts(const struct psv_internal *internal)
{
    struct psv_internal_facts facts = {0};
    internal->options.read_facts(internal->options.context, &facts);
    return facts;
}

void psv_internal_tick(struct psv_internal *internal)
{
    struct psv_internal_facts facts = read_facts(internal);

    psv_history_tick(&internal->history, internal->options.monotonic_ns(), facts.queue_len,
                     facts.workers_busy);
}

struct psv_internal *psv_internal_free(struct psv_internal *internal)
{
    return psv_free(internal);
}

static page_fn *find_page(struct psv_bytes path)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (psv_bytes_equal(path, pages[i].path))
            return pages[i].build;
    }
    return NULL;
}

static struct page *page_new(struct psv_internal *internal, struct psv_exchange *exchange)
{
    struct page *page = psv_arena_calloc(&exchange->arena, sizeof(*page));
    if (page == NULL || psv_text_answer_init(&page->answer, exchange, BODY_MAX_BYTES) != 0)
        return NULL;
    page->internal = internal;
    page->status = 200;
    page->request = &exchange->request;
    return page;
}

static int add_fields(struct psv_exchange *exchange, const struct page *page)
{
    struct psv_headers *headers = &exchange->response.headers;
    struct psv_arena *arena = &exchange->arena;
    int error = psv_text_answer_add_fields(exchange, page->content_type);
    if (error == 0 && page->status == 503)
        error = psv_headers_add_known(headers, arena, PSV_FIELD_RETRY_AFTER, PSV_BYTES("1"));
    if (error == 0 && page->coding.len > 0)
        error = psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_ENCODING, page->coding);
    if (error == 0 && page->varies_by.len > 0)
        error = psv_headers_add_known(headers, arena, PSV_FIELD_VARY, page->varies_by);
    if (error == 0 && page->policy.len > 0)
        error = psv_headers_add(headers, arena, PSV_BYTES("Content-Security-Policy"), page->policy);
    if (error == 0)
        error = psv_headers_add(headers, arena, PSV_BYTES("X-Content-Type-Options"), PSV_BYTES("nosniff"));
    return error;
}

void psv_internal_answer(struct psv_internal *internal, struct psv_exchange *exchange)
{
    enum psv_method method = exchange->request.method;
    page_fn *build = find_page(exchange->request.path);
    if (build == NULL && internal->options.frankenphp != NULL &&
        psv_frankenphp_admin_answer(internal->options.frankenphp, exchange))
        return;
    if (build == NULL) {
        psv_text_answer_refuse(exchange, 404, "no such internal page", PSV_BYTES_EMPTY);
        return;
    }
    if (method != PSV_METHOD_GET && method != PSV_METHOD_HEAD) {
        psv_text_answer_refuse(exchange, 405, "method not allowed", PSV_BYTES("GET, HEAD"));
        return;
    }
    struct page *page = page_new(internal, exchange);
    if (page == NULL || build(page) != 0 || add_fields(exchange, page) != 0) {
        psv_text_answer_refuse(exchange, 500, "internal page cannot be built", PSV_BYTES_EMPTY);
        return;
    }
    psv_text_answer_send(&page->answer, exchange, page->status);
}

/* Stuck is what two looks far enough apart agree on: all busy, the queue full, and nothing taken in between.
 */
static bool are_workers_stuck(struct psv_internal *internal, const struct psv_internal_facts *facts,
                              uint64_t now_ns)
{
    bool is_jammed = facts->workers_busy >= facts->workers_alive && facts->queue_len >= facts->queue_capacity;
    if (!is_jammed) {
        internal->is_jammed = false;
        return false;
    }
    if (!internal->is_jammed || internal->jammed_jobs_taken != facts->jobs_taken) {
        internal->is_jammed = true;
        internal->jammed_ns = now_ns;
        internal->jammed_jobs_taken = facts->jobs_taken;
    }
    return now_ns - internal->jammed_ns >= PSV_INTERNAL_STUCK_AFTER_MS * PSV_NS_PER_MS;
}

/* Why PHP cannot serve, or NULL. */
static const char *trouble_of(struct psv_internal *internal, const struct psv_internal_facts *facts,
                              uint64_t now_ns)
{
    bool is_stuck = are_workers_stuck(internal, facts, now_ns);
    if (facts->is_draining)
        return "draining";
    if (facts->workers_alive == 0)
        return "no worker is alive";
    return is_stuck ? "all workers are stuck and the queue is full" : NULL;
}

static int build_health(struct page *page)
{
    struct psv_internal *internal = page->internal;
    struct psv_internal_facts facts = read_facts(internal);
    uint64_t now_ns = internal->options.monotonic_ns();
    uint64_t uptime_ms = (now_ns - internal->started_ns) / PSV_NS_PER_MS;
    const char *trouble = trouble_of(internal, &facts, now_ns);
    unsigned busy = MIN(facts.workers_busy, facts.workers_alive);
    page->content_type = type_json;
    page->status = trouble == NULL ? 200 : 503;
    int error = psv_buffer_printf(
        &page->answer.text,
        "{\"status\":\"%s\",\"reason\":%s%s%s,\"uptime_s\":%" PRIu64 ".%03u,\"version\":\"%s\","
        "\"connections\":%" PRIu64 ",\"queue\":{\"depth\":%" PRIu64 ",\"capacity\":%" PRIu64
        "},\"workers\":{\"total\":%u,\"busy\":%u,\"idle\":%u,\"alive\":%u}",
        trouble == NULL ? "ok" : "unavailable", trouble == NULL ? "" : "\"",
        trouble == NULL ? "null" : trouble, trouble == NULL ? "" : "\"", uptime_ms / 1000,
        (unsigned)(uptime_ms % 1000), internal->options.version, facts.connections, facts.queue_len,
        facts.queue_capacity, facts.workers, busy, facts.workers_alive - busy, facts.workers_alive);
    if (error == 0)
        error = psv_worker_scripts_put_health(&page->answer.text, &internal->options);
    return error == 0 ? psv_buffer_printf(&page->answer.text, "}\n") : error;
}

/* Live is who has an answer at all; ready is whose PHP has answered lately. */
static const char *unready_of(const struct psv_internal_facts *facts)
{
    if (facts->is_draining) {
        return "draining";
    }
    if (facts->workers_alive == 0) {
        return "no worker is alive";
    }
    if (facts->has_dead_script) {
        return "a script of worker mode has no worker: see /health and the log";
    }
    if (!facts->probe_was_right) {
        return "PHP does not work on a worker";
    }
    return facts->probe_age_ns > PSV_INTERNAL_PROBE_MAX_MS * PSV_NS_PER_MS ? "no worker has answered lately"
                                                                           : NULL;
}

static int build_ready(struct page *page)
{
    struct psv_internal_facts facts = read_facts(page->internal);
    const char *trouble = unready_of(&facts);
    /* HAProxy's "disable-on-404": no new requests, and what runs is not cut off; no answer at all does that
     */
    bool is_soft = psv_bytes_equal(page->request->query, PSV_BYTES("unready=404"));
    page->content_type = type_json;
    page->status = trouble == NULL ? 200 : is_soft ? 404 : 503;
    return psv_buffer_printf(
        &page->answer.text, "{\"status\":\"%s\",\"reason\":%s%s%s,\"probe_age_ms\":%" PRIu64 "}\n",
        trouble == NULL ? "ready" : "unavailable", trouble == NULL ? "" : "\"",
        trouble == NULL ? "null" : trouble, trouble == NULL ? "" : "\"", facts.probe_age_ns / PSV_NS_PER_MS);
}

/* What is a state and no event is counted by nobody: it is read when somebody asks. */
static void set_gauges(const struct psv_internal_facts *facts)
{
    unsigned busy = MIN(facts->workers_busy, facts->workers_alive);
    psv_metric_set(PSV_METRIC_QUEUE_DEPTH, (int64_t)facts->queue_len);
    psv_metric_set(PSV_METRIC_QUEUE_CAPACITY, (int64_t)facts->queue_capacity);
    psv_metric_set(PSV_METRIC_READY, unready_of(facts) == NULL);
    psv_metric_set(PSV_METRIC_WORKERS_TOTAL, facts->workers);
    psv_metric_set(PSV_METRIC_WORKERS_BUSY, busy);
    psv_metric_set(PSV_METRIC_WORKERS_IDLE, facts->workers_alive - busy);
    psv_metric_set(PSV_METRIC_WORKERS_STARTING,
                   facts->workers > facts->workers_alive ? facts->workers - facts->workers_alive : 0);
    psv_metric_set(PSV_METRIC_WORKERS_LOST, facts->workers_lost);
    psv_metric_set(PSV_METRIC_WORKER_BUSY, (int64_t)facts->workers_busy_ns);
    psv_metric_set(PSV_METRIC_RELOADS_DONE, facts->reloads_done);
    psv_metric_set(PSV_METRIC_RELOADS_FAILED, facts->reloads_failed);
    psv_metric_set(PSV_METRIC_RELOAD_SUCCESSFUL, !facts->last_reload_failed);
    psv_metric_set(PSV_METRIC_RELOAD_TIME, (int64_t)facts->last_reload_unix_s);
    psv_metric_set(PSV_METRIC_SERVER_CRASHES, facts->crashes);
}

/* "json" or "name=value" as a part of a query. */
static bool has_name(struct psv_bytes query, const char *name)
{
    struct psv_bytes part;

    while (psv_bytes_split(&query, '&', &part)) {
        if (psv_bytes_equal(part, psv_bytes_of(name)))
            return true;
    }
    return false;
}

static int build_metrics(struct page *page)
{
    const struct psv_internal_options *options = &page->internal->options;
    enum psv_prometheus_format format = psv_metrics_page_choose(&page->request->headers);
    struct psv_internal_facts facts = read_facts(page->internal);

    set_gauges(&facts);
    page->content_type = psv_metrics_page_type(format);
    page->varies_by = PSV_BYTES("Accept, Accept-Encoding");
    struct psv_worker_scripts scripts;
    int error = psv_worker_scripts_read(options, &scripts);
    const struct psv_worker_metrics workers = {
        .scripts = scripts.items,
        .scripts_len = scripts.len,
        .has_frankenphp = options->frankenphp != NULL || has_name(page->request->query, "frankenphp=1"),
        .threads = facts.workers,
        .busy = facts.workers_busy,
        .queue_len = facts.queue_len,
    };
    if (error == 0)
        error = psv_metrics_page_format(options->executor, format, &workers, &page->answer.text);
    psv_worker_scripts_free(&scripts);
    const struct psv_body_filter *coding =
        options->choose_coding != NULL ? options->choose_coding(options->context, &page->request->headers)
                                       : NULL;
    if (error == 0 && coding != NULL && coding->coding.len > 0 &&
        psv_metrics_page_compress(coding, &page->answer.text))
        page->coding = coding->coding;
    return error;
}

static int build_config(struct page *page)
{
    page->content_type = type_json;
    return psv_config_format_json(page->internal->options.config, &page->answer.text);
}

/* "refresh=5" of a query; false when its number is none.  Without it *ret_s stays. */
static bool parse_refresh(struct psv_bytes query, unsigned *ret_s)
{
    struct psv_bytes name = PSV_BYTES("refresh=");
    struct psv_bytes part;

    while (psv_bytes_split(&query, '&', &part)) {
        uint64_t seconds;
        if (!psv_bytes_starts_with(part, name))
            continue;
        if (psv_parse_u64(psv_bytes_from(part, name.len), &seconds) != 0 || seconds > REFRESH_MAX_S)
            return false;
        *ret_s = (unsigned)seconds;
    }
    return true;
}

/* The scoreboard. */
static int build_status(struct page *page)
{
    const struct psv_internal_options *options = &page->internal->options;
    struct psv_bytes query = page->request->query;
    struct psv_internal_facts facts = read_facts(page->internal);
    uint64_t now_ns = options->monotonic_ns();
    struct psv_status status = {
        .facts = &facts,
        .history = &page->internal->history,
        .workers = psv_calloc(WORKERS_SHOWN_MAX, sizeof(*status.workers)),
        .version = options->version,
        .uptime_ms = (now_ns - page->internal->started_ns) / PSV_NS_PER_MS,
        .now_ns = now_ns,
        .now_unix_us = psv_clock_unix_us(),
        .refresh_s = REFRESH_S,
    };

    struct psv_worker_scripts scripts;
    int code = psv_worker_scripts_read(options, &scripts);
    if (code != 0 || status.workers == NULL) {
        psv_worker_scripts_free(&scripts);
        psv_free(status.workers);
        return PSV_ENOMEM;
    }
    status.scripts = scripts.items;
    status.scripts_len = scripts.len;
    if (options->read_workers != NULL)
        status.workers_len = MIN(options->read_workers(options->context, status.workers, WORKERS_SHOWN_MAX),
                                 WORKERS_SHOWN_MAX);
    psv_status_sort(&status);
    bool is_page = psv_accept_choose(&page->request->headers) == PSV_ACCEPT_HTML && !has_name(query, "json");
    page->content_type = is_page ? PSV_BYTES("text/html; charset=utf-8") : type_json;
    page->policy = is_page ? PAGE_POLICY : PSV_BYTES_EMPTY;
    page->varies_by = PSV_BYTES("Accept");
    if (!parse_refresh(query, &status.refresh_s)) {
        page->status = 400;
        page->content_type = type_plain;
        code = psv_buffer_printf(&page->answer.text, "refresh must be a number of seconds from 0 to %u\n",
                                 REFRESH_MAX_S);
    } else {
        code = is_page ? psv_status_format_html(&page->answer.text, &status)
                       : psv_status_format_json(&page->answer.text, &status);
    }
    psv_worker_scripts_free(&scripts);
    psv_free(status.workers);
    return code;
}

static int build_list(struct page *page)
{
    page->content_type = type_plain;
    int error = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pages) && error == 0; i++)
        error = psv_buffer_printf(&page->answer.text, "%.*s\n", PSV_BYTES_ARG(pages[i].path));
    return error;
}
