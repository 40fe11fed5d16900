/* /health, /metrics, /config, /status.  [loop]  Texts are built in one buffer that lives until the exchange
 * is freed. Must not know codecs or threads.
 *
 * SPDX-License-Identifier: MIT */
#include "internal.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "config/config.h"
#include "config/option_value.h"
#include "exec/exchange.h"
#include "exec/worker.h"
#include "handler/status_page.h"
#include "http/accept.h"
#include "observe/metrics.h"
#include "observe/user_metrics.h"
#include "os/clock.h"
#include "phpsrv/executor.h"

#define BODY_MAX_BYTES ((size_t)4 << 20)
#define FIELDS_MAX 4
#define FACTS_MAX 16
#define WORKERS_SHOWN_MAX 512u

static const struct psv_bytes type_plain = PSV_BYTES_INIT("text/plain; charset=utf-8");
static const struct psv_bytes type_json = PSV_BYTES_INIT("application/json");
static const struct psv_bytes type_metrics = PSV_BYTES_INIT("text/plain; version=0.0.4; charset=utf-8");

struct psv_internal {
    struct psv_internal_options options;
    uint64_t started_ns;
    /* the look at which the workers were first seen jammed, with jobs_taken as it was then */
    bool is_jammed;
    uint64_t jammed_ns;
    uint64_t jammed_jobs_taken;
};

/* A page being built; on the exchange's arena. */
struct page {
    struct psv_internal *internal;
    struct psv_buffer text;
    struct psv_body_piece piece;
    struct psv_bytes content_type;
    struct psv_bytes query;
    unsigned status;
    bool is_for_people; /* Accept likes HTML best */
};

/** Fills text, content_type and status.  0 or an error: then the answer is 500. */
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
    set_build_info(options);
    return internal;
}

struct psv_internal *psv_internal_free(struct psv_internal *internal)
{
    return psv_free(internal);
}

static void refuse(struct psv_exchange *exchange, unsigned status, const char *reason)
{
    const struct psv_field extra[] = {
        {.name = psv_field_name(PSV_FIELD_CACHE_CONTROL),
         .value = PSV_BYTES("no-store"),
         .id = PSV_FIELD_CACHE_CONTROL},
        {.name = psv_field_name(PSV_FIELD_ALLOW), .value = PSV_BYTES("GET, HEAD"), .id = PSV_FIELD_ALLOW},
    };
    psv_exchange_refuse(exchange, status, reason, extra, status == 405 ? 2 : 1);
}

static page_fn *find_page(struct psv_bytes path)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (psv_bytes_equal(path, pages[i].path))
            return pages[i].build;
    }
    return NULL;
}

static void free_text(void *context)
{
    psv_buffer_fini(context);
}

/* A page whose buffer is freed with the exchange; NULL when out of memory. */
static struct page *page_new(struct psv_internal *internal, struct psv_arena *arena)
{
    struct page *page = psv_arena_calloc(arena, sizeof(*page));
    if (page == NULL)
        return NULL;
    page->internal = internal;
    page->status = 200;
    psv_buffer_init(&page->text, BODY_MAX_BYTES);
    return psv_arena_on_fini(arena, free_text, &page->text) == 0 ? page : NULL;
}

static int add_fields(struct psv_exchange *exchange, const struct page *page)
{
    struct psv_headers *headers = &exchange->response.headers;
    struct psv_arena *arena = &exchange->arena;
    psv_headers_init(headers, FIELDS_MAX);
    int error = psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_TYPE, page->content_type);
    if (error == 0)
        error = psv_headers_add_known(headers, arena, PSV_FIELD_CACHE_CONTROL, PSV_BYTES("no-store"));
    if (error == 0 && page->status == 503)
        error = psv_headers_add_known(headers, arena, PSV_FIELD_RETRY_AFTER, PSV_BYTES("1"));
    return error;
}

void psv_internal_answer(struct psv_internal *internal, struct psv_exchange *exchange)
{
    enum psv_method method = exchange->request.method;
    page_fn *build = find_page(exchange->request.path);
    if (build == NULL) {
        refuse(exchange, 404, "no such internal page");
        return;
    }
    if (method != PSV_METHOD_GET && method != PSV_METHOD_HEAD) {
        refuse(exchange, 405, "method not allowed");
        return;
    }
    struct page *page = page_new(internal, &exchange->arena);
    if (page != NULL) {
        page->query = exchange->request.query;
        page->is_for_people = psv_accept_choose(&exchange->request.headers) == PSV_ACCEPT_HTML;
    }
    if (page == NULL || build(page) != 0 || add_fields(exchange, page) != 0) {
        refuse(exchange, 500, "internal page cannot be built");
        return;
    }
    struct psv_list pieces;
    psv_list_init(&pieces);
    if (method == PSV_METHOD_GET) {
        page->piece = (struct psv_body_piece){.data = page->text.data, .fd = -1, .len = page->text.len};
        psv_list_append(&pieces, &page->piece.link);
    }
    exchange->response.status = page->status;
    exchange->response.content_length = (int64_t)page->text.len;
    psv_exchange_respond(exchange, &pieces, true);
}

static struct psv_internal_facts read_facts(const struct psv_internal *internal)
{
    struct psv_internal_facts facts = {0};
    internal->options.read_facts(internal->options.context, &facts);
    return facts;
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
    return psv_buffer_printf(
        &page->text,
        "{\"status\":\"%s\",\"reason\":%s%s%s,\"uptime_s\":%" PRIu64 ".%03u,\"version\":\"%s\","
        "\"connections\":%" PRIu64 ",\"queue\":{\"depth\":%" PRIu64 ",\"capacity\":%" PRIu64
        "},\"workers\":{\"total\":%u,\"busy\":%u,\"idle\":%u,\"alive\":%u}}\n",
        trouble == NULL ? "ok" : "unavailable", trouble == NULL ? "" : "\"",
        trouble == NULL ? "null" : trouble, trouble == NULL ? "" : "\"", uptime_ms / 1000,
        (unsigned)(uptime_ms % 1000), internal->options.version, facts.connections, facts.queue_len,
        facts.queue_capacity, facts.workers, busy, facts.workers_alive - busy, facts.workers_alive);
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
    bool is_soft = psv_bytes_equal(page->query, PSV_BYTES("unready=404"));
    page->content_type = type_json;
    page->status = trouble == NULL ? 200 : is_soft ? 404 : 503;
    return psv_buffer_printf(
        &page->text, "{\"status\":\"%s\",\"reason\":%s%s%s,\"probe_age_ms\":%" PRIu64 "}\n",
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
}

static int build_metrics(struct page *page)
{
    const struct psv_executor *executor = page->internal->options.executor;
    struct psv_internal_facts facts = read_facts(page->internal);
    set_gauges(&facts);
    page->content_type = type_metrics;
    int error = psv_metrics_format(&page->text);
    if (error == 0 && executor != NULL && executor->metrics != NULL)
        executor->metrics(&page->text);
    return error == 0 ? psv_user_metrics_format(&page->text) : error;
}

static int build_config(struct page *page)
{
    page->content_type = type_json;
    return psv_config_format_json(page->internal->options.config, &page->text);
}

static int append_worker(struct psv_buffer *out, const struct psv_worker_report *worker, bool is_first)
{
    static const char *const states[] = {
        [PSV_WORKER_IDLE] = "idle", [PSV_WORKER_BUSY] = "busy", [PSV_WORKER_LOST] = "lost"};
    const struct {
        const char *name;
        const char *text;
    } texts[] = {
        {"request_id", worker->request_id},
        {"method", worker->method},
        {"target", worker->target},
        {"script", worker->script},
    };
    int error = psv_buffer_printf(out, "%s\n  {\"worker\": %u, \"state\": \"%s\", \"requests\": %" PRIu64,
                                  is_first ? "" : ",", worker->id, states[worker->state], worker->requests);
    if (worker->state != PSV_WORKER_IDLE && error == 0)
        error = psv_buffer_printf(out, ", \"running_seconds\": %.3f", (double)worker->running_ns / 1e9);
    for (size_t i = 0; i < ARRAY_SIZE(texts) && worker->state != PSV_WORKER_IDLE && error == 0; i++) {
        error = psv_buffer_printf(out, ", \"%s\": ", texts[i].name);
        if (error == 0)
            error = psv_option_append_quoted(out, psv_bytes_of(texts[i].text));
    }
    return error == 0 ? psv_buffer_append(out, "}", 1) : error;
}

/* The scoreboard. */
static int build_status(struct page *page)
{
    const struct psv_internal_options *options = &page->internal->options;
    struct psv_internal_facts facts = read_facts(page->internal);
    struct psv_worker_report *workers = psv_calloc(WORKERS_SHOWN_MAX, sizeof(*workers));
    if (workers == NULL)
        return PSV_ENOMEM;
    unsigned len = options->read_workers != NULL
                       ? options->read_workers(options->context, workers, WORKERS_SHOWN_MAX)
                       : 0;
    if (page->is_for_people) {
        uint64_t uptime_ms = (options->monotonic_ns() - page->internal->started_ns) / PSV_NS_PER_MS;
        page->content_type = PSV_BYTES("text/html; charset=utf-8");
        int code = psv_status_page_format(&page->text, &facts, workers, MIN(len, WORKERS_SHOWN_MAX),
                                          options->version, uptime_ms);
        psv_free(workers);
        return code;
    }
    page->content_type = type_json;
    int error = psv_buffer_printf(&page->text,
                                  "{\"connections\": %" PRIu64 ", \"queue\": %" PRIu64
                                  ", \"queue_capacity\": %" PRIu64 ", \"draining\": %s, \"workers\": [",
                                  facts.connections, facts.queue_len, facts.queue_capacity,
                                  facts.is_draining ? "true" : "false");
    for (unsigned i = 0; i < MIN(len, WORKERS_SHOWN_MAX) && error == 0; i++)
        error = append_worker(&page->text, &workers[i], i == 0);
    psv_free(workers);
    return error == 0 ? psv_buffer_printf(&page->text, "\n]}\n") : error;
}

static int build_list(struct page *page)
{
    page->content_type = type_plain;
    int error = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pages) && error == 0; i++)
        error = psv_buffer_printf(&page->text, "%.*s\n", PSV_BYTES_ARG(pages[i].path));
    return error;
}
