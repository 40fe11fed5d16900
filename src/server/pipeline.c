/* The order of things for one request; see pipeline.h.
 *
 * SPDX-License-Identifier: MIT */
#include "pipeline.h"

#include "base/assert.h"
#include "exec/job.h"
#include "exec/worker_group.h"
#include "exec/worker.h"
#include "filter/request_id.h"
#include "filter/trace_context.h"
#include "filter/trace_export.h"
#include "handler/static_file.h"
#include "config/config.h"
#include "http/target.h"
#include "net/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "server/dev.h"
#include "server/exchange_metrics.h"
#include "server/prefix_guards.h"
#include "server/router.h"
#include "server/tls_redirect.h"

#define RECHECK_NS 1000000000u
/* Of the stack of a slow script in the log. */
#define TRACE_BYTES_MAX 1400
/* Jobs that are held back (exec/queue.h) and of which none was taken for so long get another worker. */
#define STALL_NS 1000000u
/* Whoever waits for a worker may get one so long after the wait has ended: at the head of a queue that is
 * overloaded all do.  (An idle loop's clock is coarser: nobody comes then.) */
#define WAIT_SLACK_NS 1000000u

static const char site_is_at_limit[] = "the site has as many requests as it may (requests-max)";

/* What the pipeline knows of an exchange beyond the exchange itself; on its arena. */
struct pipeline_state {
    struct psv_exchange *exchange;
    struct psv_timer deadline;
    struct psv_timer slow;
    struct psv_timer wait; /* for a worker; deadline_ns 0: never started */
    struct psv_site *site;
    struct psv_script script;
    struct psv_password_waiter password; /* while a password is checked */
    enum { PASSWORD_NONE, PASSWORD_CHECKED, PASSWORD_RIGHT, PASSWORD_WRONG } password_state;
    bool is_whole;          /* the body came while the password was checked */
    struct psv_route route; /* these two are kept meanwhile */
    const struct psv_basic_rule *password_rule;
};

static psv_password_answer_fn on_password;

static struct psv_pipeline *pipeline_of(const struct psv_exchange *exchange)
{
    return exchange->host->context;
}

static const char *overload_reason(enum psv_metric_id why)
{
    return why == PSV_METRIC_QUEUE_REJECTED       ? "queue is full"
           : why == PSV_METRIC_QUEUE_BOOT_FAILURE ? "the worker script does not boot"
           : why == PSV_METRIC_QUEUE_SITE_LIMIT   ? site_is_at_limit
           : why == PSV_METRIC_QUEUE_WAIT_LIMIT   ? "waited too long for a worker"
                                                  : "the server is stopping";
}

static void refuse_overload(struct psv_exchange *exchange, enum psv_metric_id why)
{
    static const struct psv_field retry = {
        .name = PSV_BYTES_INIT("Retry-After"), .value = PSV_BYTES_INIT("1"), .id = PSV_FIELD_RETRY_AFTER};

    psv_metric_inc(why);
    psv_exchange_refuse(exchange, 503, overload_reason(why), &retry, 1);
}

/* "OPTIONS *" asks about the server itself. */
static void answer_server_options(struct psv_exchange *exchange)
{
    struct psv_list none;

    psv_list_init(&none);
    psv_headers_init(&exchange->response.headers, 1);
    exchange->response.status = 204;
    exchange->response.content_length = -1;
    if (psv_headers_add_known(&exchange->response.headers, &exchange->arena, PSV_FIELD_ALLOW,
                              psv_allowed_methods()) != PSV_OK) {
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
        return;
    }
    psv_exchange_respond(exchange, &none, true);
}

/* Whether a worker may get this request: answered early, before any of its body is kept. */
static enum psv_body_plan admit(struct psv_pipeline *pipeline, struct psv_exchange *exchange,
                                const struct psv_site *site, const struct psv_worker_group *group)
{
    if (psv_refuse_body(&pipeline->dynamic, exchange)) {
        return PSV_BODY_IGNORE;
    }
    if (UNLIKELY(group->script != NULL && psv_worker_pool_is_failing(group->pool))) {
        refuse_overload(exchange, PSV_METRIC_QUEUE_BOOT_FAILURE);
        return PSV_BODY_IGNORE;
    }
    if (psv_queue_is_full(&group->queue)) {
        refuse_overload(exchange, PSV_METRIC_QUEUE_REJECTED);
        return PSV_BODY_IGNORE;
    }
    if (psv_dynamic_is_at_limit(&site->dynamic)) {
        refuse_overload(exchange, PSV_METRIC_QUEUE_SITE_LIMIT);
        return PSV_BODY_IGNORE;
    }
    return PSV_BODY_KEEP;
}

static enum psv_body_plan answer(struct psv_pipeline *pipeline, struct psv_exchange *exchange,
                                 const struct psv_route *found)
{
    struct pipeline_state *state = exchange->host_state;

    switch (found->kind) {
    case PSV_ROUTE_STATIC: {
        struct psv_static_choice file = found->file;
        if (UNLIKELY(pipeline->dev != NULL)) {
            psv_dev_change_file(pipeline->dev, exchange, &file);
        }
        psv_static_file_answer(state->site->router->static_file, exchange, &file);
        return PSV_BODY_IGNORE;
    }
    case PSV_ROUTE_REDIRECT:
        psv_router_answer_redirect(exchange, found);
        return PSV_BODY_IGNORE;
    case PSV_ROUTE_SCRIPT:
        state->script = found->script;
        state->script.group = &pipeline->dynamic.groups[found->worker];
        return admit(pipeline, exchange, state->site, state->script.group);
    case PSV_ROUTE_NONE:
        psv_exchange_refuse(exchange, found->status, found->reason, NULL, 0);
        return PSV_BODY_IGNORE;
    }
    UNREACHABLE("route kind");
}

static bool shows_timing(const struct psv_pipeline *pipeline, const struct psv_site *site,
                         const struct psv_exchange *exchange)
{
    enum psv_config_server_timing who = site->config->response.server_timing;

    return who != PSV_CONFIG_SERVER_TIMING_OFF &&
           (who == PSV_CONFIG_SERVER_TIMING_ALL || psv_client_is_trusted(&pipeline->clients, exchange));
}

/* The body is read meanwhile, and nothing is done with it before the answer. */
static enum psv_body_plan wait_for_password(struct psv_pipeline *pipeline, struct psv_exchange *exchange,
                                            const struct psv_route *found, const struct psv_basic_rule *rule)
{
    struct pipeline_state *state = exchange->host_state;

    if (psv_refuse_body(&pipeline->dynamic, exchange)) {
        psv_password_waiter_cancel(&state->password);
        return PSV_BODY_IGNORE;
    }
    state->password_state = PASSWORD_CHECKED;
    state->password_rule = rule;
    state->route = *found;
    return PSV_BODY_KEEP;
}

static enum psv_body_plan route(struct psv_pipeline *pipeline, struct psv_exchange *exchange)
{
    struct pipeline_state *state = exchange->host_state;
    struct psv_bytes asked = exchange->request.path;
    struct psv_basic_need need;
    struct psv_route found;

    psv_router_route(state->site->router, exchange, &found);
    if (UNLIKELY(state->site->has_other_guards) &&
        psv_prefix_guards_refuse(&pipeline->sites, state->site, exchange, asked, &found,
                                 pipeline->loop->now_ns)) {
        return PSV_BODY_IGNORE;
    }
    psv_basic_auth_find(state->site->basic_auth, asked, exchange->request.path, &found, &need);
    if (need.len == 0) {
        return answer(pipeline, exchange, &found);
    }
    switch (psv_basic_auth_check(state->site->basic_auth, exchange, &need, pipeline->loop->now_ns,
                                 &state->password)) {
    case PSV_BASIC_PASSED:
        return answer(pipeline, exchange, &found);
    case PSV_BASIC_REFUSED:
        return PSV_BODY_IGNORE;
    case PSV_BASIC_WAITS:
        return wait_for_password(pipeline, exchange, &found, need.rules[0]);
    }
    UNREACHABLE("verdict");
}

static bool is_answered_early(struct psv_exchange *exchange, const struct psv_site *site, bool is_misdirected)
{
    if (psv_refuse_early(&site->early, exchange)) {
        return true;
    }
    if (is_misdirected) {
        psv_exchange_refuse(exchange, 421, "no site has this host", NULL, 0);
        return true;
    }
    if (psv_target_is_asterisk(&exchange->request)) {
        answer_server_options(exchange);
        return true;
    }
    if (psv_tls_redirect_applies(exchange, site->redirect_port)) {
        psv_tls_redirect_answer(exchange, site->redirect_port);
        return true;
    }
    /* browsers ask this without a password, so it is answered before one is asked for */
    return psv_cors_answer_preflight(site->cors, exchange);
}

static enum psv_body_plan on_head(struct psv_exchange *exchange)
{
    struct psv_pipeline *pipeline = pipeline_of(exchange);

    /* 1. identity, before anything can be logged about it */
    psv_request_id_assign(exchange);
    struct pipeline_state *state = psv_arena_calloc(&exchange->arena, sizeof(*state));
    if (state == NULL) {
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
        return PSV_BODY_IGNORE;
    }
    state->exchange = exchange;
    psv_timer_init(&state->deadline);
    psv_timer_init(&state->slow);
    psv_list_init(&state->password.link);
    state->password.on_answer = on_password;
    exchange->host_state = state;
    psv_list_append(&pipeline->live, &exchange->link);
    pipeline->live_len++;

    /* 2. who it is, before anything is decided by it */
    if (psv_client_resolve(&pipeline->clients, exchange)) {
        psv_request_id_adopt(exchange);
    }
    exchange->read_ns = pipeline->loop->now_ns;
    if (pipeline->has_traces) {
        psv_trace_begin(exchange, pipeline->traces_sampled_ppm);
    }

    /* 3. whose it is; a host that nobody has is refused by the rules of the configuration itself */
    struct psv_site *site = psv_sites_find(&pipeline->sites, &exchange->request);
    bool is_misdirected = site == NULL;
    site = site != NULL ? site : &pipeline->sites.items[0];
    state->site = site;
    exchange->site = &site->answers;
    psv_exchange_metrics_begin(exchange);
    exchange->body.max_bytes = site->early.body_bytes_max;
    exchange->shows_timing = shows_timing(pipeline, site, exchange);

    /* 4. whether it may come now */
    if (psv_guards_refuse(site->guards, exchange, pipeline->loop->now_ns)) {
        return PSV_BODY_IGNORE;
    }

    /* 5. what no handler may see */
    if (is_answered_early(exchange, site, is_misdirected)) {
        return PSV_BODY_IGNORE;
    }
    if (UNLIKELY(pipeline->dev != NULL) && psv_dev_answer(pipeline->dev, exchange)) {
        return PSV_BODY_IGNORE;
    }
    /* 6. who answers */
    return route(pipeline, exchange);
}

/* False: there is nothing for a worker to do, or not yet. */
static bool is_past_password(struct psv_pipeline *pipeline, struct psv_exchange *exchange)
{
    struct pipeline_state *state = exchange->host_state;

    switch (state->password_state) {
    case PASSWORD_NONE:
        return true;
    case PASSWORD_CHECKED:
        state->is_whole = true;
        return false;
    case PASSWORD_RIGHT:
        return answer(pipeline, exchange, &state->route) == PSV_BODY_KEEP;
    case PASSWORD_WRONG:
        psv_basic_auth_refuse(exchange, state->password_rule);
        return false;
    }
    UNREACHABLE("password state");
}

static void on_request(struct psv_exchange *exchange)
{
    struct psv_pipeline *pipeline = pipeline_of(exchange);
    struct pipeline_state *state = exchange->host_state;
    uint64_t now_ns = pipeline->loop->now_ns;

    if (!state->is_whole) { /* else this is about its password */
        exchange->read_ns = now_ns;
    }
    if (!is_past_password(pipeline, exchange)) {
        return;
    }
    switch (
        psv_dynamic_dispatch(&pipeline->dynamic, &state->site->dynamic, exchange, &state->script, now_ns)) {
    case PSV_OK:
        /* without a timeout there may still be one of a stream */
        psv_timer_start(state->site->dynamic.timeout_ns > 0 ? &state->site->deadline_queue
                                                            : &pipeline->recheck_queue,
                        &state->deadline, now_ns);
        if (state->site->slow_queue.duration_ns > 0) {
            psv_timer_start(&state->site->slow_queue, &state->slow, now_ns);
        }
        if (state->site->wait_queue.duration_ns > 0) {
            psv_timer_init(&state->wait);
            psv_timer_start(&state->site->wait_queue, &state->wait, now_ns);
        }
        break;
    case PSV_EFULL:
        refuse_overload(exchange, psv_dynamic_is_at_limit(&state->site->dynamic) ? PSV_METRIC_QUEUE_SITE_LIMIT
                                                                                 : PSV_METRIC_QUEUE_REJECTED);
        break;
    case PSV_ESTOPPING:
        refuse_overload(exchange, PSV_METRIC_QUEUE_STOPPING);
        break;
    default:
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
    }
}

/* Whose body is still on its way hears it when it is there. */
static void on_password(struct psv_password_waiter *waiter, bool is_right)
{
    struct pipeline_state *state = CONTAINER_OF(waiter, struct pipeline_state, password);

    state->password_state = is_right ? PASSWORD_RIGHT : PASSWORD_WRONG;
    if (is_right) {
        psv_metric_inc(PSV_METRIC_BASIC_AUTH_CHECKED);
        state->exchange->is_user_checked = true;
    }
    if (state->is_whole) {
        on_request(state->exchange); /* it may be gone afterwards */
    }
}

static void on_deadline(struct psv_timer *timer, void *context)
{
    struct psv_pipeline *pipeline = context;
    struct pipeline_state *state = CONTAINER_OF(timer, struct pipeline_state, deadline);

    /* looked at again every second: a deadline that was moved, or a script that did not stop at the first
     * call.  The timer is started first, because the exchange may be gone afterwards (its end stops the
     * timer). */
    psv_timer_start(&pipeline->recheck_queue, timer, pipeline->loop->now_ns);
    (void)psv_dynamic_on_deadline(&pipeline->dynamic, state->exchange, pipeline->loop->now_ns);
}

/* Nobody told the loop whether a worker has begun the job meanwhile: then it has the answer. */
static void on_wait(struct psv_timer *timer, void *context)
{
    struct pipeline_state *state = CONTAINER_OF(timer, struct pipeline_state, wait);

    (void)context;
    if (psv_dynamic_withdraw(state->exchange)) {
        psv_timer_stop(&state->deadline);
        psv_timer_stop(&state->slow);
        refuse_overload(state->exchange, PSV_METRIC_QUEUE_WAIT_LIMIT);
    }
}

/* Says once what a slow script is doing; one that still waits for a worker is looked at again later. */
static void on_slow(struct psv_timer *timer, void *context)
{
    struct psv_pipeline *pipeline = context;
    struct pipeline_state *state = CONTAINER_OF(timer, struct pipeline_state, slow);
    struct psv_job *job = state->exchange->job;
    char trace[TRACE_BYTES_MAX];

    if (job == NULL || !state->exchange->is_job_held) {
        return;
    }
    if (atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed) == 0) {
        psv_timer_start(&state->site->slow_queue, timer, pipeline->loop->now_ns);
        return;
    }
    size_t len = psv_worker_pool_trace(job->group->pool, job, trace, sizeof(trace));
    PSV_LOG(PSV_LOG_WARN, "request.slow", PSV_LOG_BYTES("request_id", job->message.request_id),
            PSV_LOG_BYTES_IF("trace_id", job->message.trace_id),
            PSV_LOG_BYTES_IF("span_id", job->message.span_id),
            PSV_LOG_BYTES("script", job->message.script_filename),
            PSV_LOG_SECONDS("seconds", (double)(pipeline->loop->now_ns - job->queued_ns) / 1e9),
            PSV_LOG_BYTES("target", job->message.target),
            PSV_LOG_BYTES("trace", ((struct psv_bytes){trace, len})));
}

static void on_respond(struct psv_exchange *exchange)
{
    const struct pipeline_state *state = exchange->host_state;
    const struct psv_site *site =
        state != NULL && state->site != NULL ? state->site : &pipeline_of(exchange)->sites.items[0];

    psv_cors_decorate(site->cors, exchange);
}

static void on_sent(struct psv_exchange *exchange, uint64_t bytes)
{
    psv_dynamic_on_sent(exchange, bytes);
}

static bool is_left_behind(const struct psv_exchange *exchange)
{
    return exchange->job != NULL && exchange->job->is_given_up;
}

/* The end of the server does not wait for it. */
static void on_given_up(struct psv_exchange *exchange)
{
    pipeline_of(exchange)->live_len--;
}

static void free_exchange(struct psv_exchange *exchange)
{
    struct psv_pipeline *pipeline = pipeline_of(exchange);
    struct pipeline_state *state = exchange->host_state;

    if (state != NULL) {
        psv_timer_stop(&state->deadline);
        psv_timer_stop(&state->slow);
        if (state->wait.deadline_ns != 0) {
            psv_timer_stop(&state->wait);
        }
        psv_password_waiter_cancel(&state->password);
        psv_list_remove(&exchange->link);
        pipeline->live_len -= !is_left_behind(exchange);
    }
    psv_exchange_free(pipeline->pool, exchange);
}

static void on_end(struct psv_exchange *exchange, bool aborted)
{
    struct psv_pipeline *pipeline = pipeline_of(exchange);
    uint64_t now_ns = psv_clock_monotonic_ns(); /* not the batch's: a file is read and sent within one turn */

    exchange->is_ended = true;
    if (exchange->request_id[0] == '\0') {
        psv_request_id_assign(exchange); /* refused by the codec before on_head */
    }
    psv_exchange_metrics_count(exchange, now_ns, aborted);
    psv_access_log_end(&pipeline->access_log, exchange, now_ns, aborted);
    if (pipeline->otlp != NULL) {
        psv_trace_export(pipeline->otlp, exchange, now_ns, aborted);
    }
    if (!exchange->is_job_held) {
        free_exchange(exchange);
    } else if (aborted) {
        psv_dynamic_on_client_gone(exchange); /* freed when the worker lets go */
    }
}

static void watch_stall(struct psv_pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->dynamic.groups_len; i++) {
        struct psv_worker_group *group = &pipeline->dynamic.groups[i];
        group->stall_taken = psv_queue_taken(&group->queue);
    }
    psv_timer_start(&pipeline->stall_queue, &pipeline->stall_timer, pipeline->loop->now_ns);
}

static void on_stall_timer(struct psv_timer *timer, void *context)
{
    struct psv_pipeline *pipeline = context;
    bool goes_on = false;

    (void)timer;
    for (unsigned i = 0; i < pipeline->dynamic.groups_len; i++) {
        struct psv_worker_group *group = &pipeline->dynamic.groups[i];
        if (psv_queue_is_held_back(&group->queue)) {
            goes_on = true;
            if (psv_queue_taken(&group->queue) == group->stall_taken) {
                psv_queue_relieve(&group->queue);
            }
        }
    }
    if (goes_on) {
        watch_stall(pipeline);
    }
}

static bool is_held_back(const struct psv_dynamic *dynamic)
{
    bool is_any = false;

    for (unsigned i = 0; i < dynamic->groups_len; i++) {
        is_any |= psv_queue_is_held_back(&dynamic->groups[i].queue);
    }
    return is_any;
}

void psv_pipeline_end_batch(struct psv_pipeline *pipeline)
{
    psv_dynamic_announce(&pipeline->dynamic);
    if (UNLIKELY(is_held_back(&pipeline->dynamic)) && !psv_timer_is_running(&pipeline->stall_timer)) {
        watch_stall(pipeline);
    }
}

void psv_pipeline_init(struct psv_pipeline *pipeline)
{
    struct psv_timer_wheel *wheel = &pipeline->loop->wheel;

    pipeline->host = (struct psv_exchange_host){
        .on_head = on_head,
        .on_request = on_request,
        .on_respond = on_respond,
        .on_sent = on_sent,
        .on_end = on_end,
        .context = pipeline,
        .site = &pipeline->sites.items[0].answers,
    };
    pipeline->dynamic.on_released = free_exchange;
    pipeline->dynamic.on_given_up = on_given_up;
    psv_list_init(&pipeline->live);
    for (size_t i = 0; i < pipeline->sites.len; i++) {
        struct psv_site *site = &pipeline->sites.items[i];
        psv_timer_queue_init(&site->deadline_queue, wheel, site->dynamic.timeout_ns, on_deadline, pipeline);
        psv_timer_queue_init(&site->slow_queue, wheel, site->config->request.slow_ms * PSV_NS_PER_MS, on_slow,
                             pipeline);
        psv_timer_queue_init(&site->wait_queue, wheel, site->config->queue.wait_ms * PSV_NS_PER_MS, on_wait,
                             pipeline);
        site->wait_queue.slack_ns = MIN(site->wait_queue.slack_ns, WAIT_SLACK_NS);
    }
    psv_timer_queue_init(&pipeline->recheck_queue, wheel, RECHECK_NS, on_deadline, pipeline);
    psv_timer_queue_init(&pipeline->stall_queue, wheel, STALL_NS, on_stall_timer, pipeline);
    psv_timer_init(&pipeline->stall_timer);
}
