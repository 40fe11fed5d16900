/* Exchange -> job -> response; see dynamic.h.
 *
 * SPDX-License-Identifier: MIT */
#include "dynamic.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "exec/exchange.h"
#include "exec/informational.h"
#include "exec/error_pages.h"
#include "exec/job.h"
#include "exec/worker_group.h"
#include "exec/worker.h"
#include "handler/sendfile.h"
#include "handler/server_timing.h"
#include "http/status.h"
#include "http/target.h"
#include "http/trace_parent.h"
#include "observe/metrics.h"
#include "os/clock.h"

/* Places in a traceparent of version 00. */
#define TRACE_ID_AT 3
#define SPAN_ID_AT (TRACE_ID_AT + PSV_TRACE_ID_LEN + 1)
/* Of a script's response that gets an error page. */
#define KEPT_FIELDS_MAX 15

/* Requests of one batch that are queued before a sleeping worker is woken.  Short jobs are done faster than
 * the loop parses: woken for each, a worker would go to sleep in between, at two system calls and two context
 * switches a request. */
#define ANNOUNCE_EVERY 32

static const uint16_t protocol_numbers[] = {
    [PSV_HTTP_1_0] = 1000,
    [PSV_HTTP_1_1] = 1001,
    [PSV_HTTP_2] = 2000,
};

/* A unix socket has no port: the scheme's, as if the site were asked directly. */
static uint16_t port_of(const struct psv_exchange *exchange)
{
    if (exchange->peer.local_port != 0) {
        return exchange->peer.local_port;
    }
    return exchange->request.is_https ? PSV_HTTPS_PORT : PSV_HTTP_PORT;
}

static struct psv_bytes text_or_none(const char *text)
{
    return text != NULL ? psv_bytes_of(text) : PSV_BYTES_EMPTY;
}

/* With a trace the request's traceparent is ours: 00-<trace id>-<span id>-<flags>. */
static struct psv_bytes trace_parent_of(const struct psv_exchange *exchange)
{
    return exchange->trace != NULL ? psv_headers_value(&exchange->request.headers, PSV_FIELD_TRACEPARENT)
                                   : PSV_BYTES_EMPTY;
}

static struct psv_bytes part_of(struct psv_bytes trace_parent, size_t at, size_t len)
{
    return at + len <= trace_parent.len ? (struct psv_bytes){trace_parent.data + at, len} : PSV_BYTES_EMPTY;
}

/* All texts live in the exchange, on its arena, or as long as the server: a worker may read them while the
 * connection is long gone. */
static int freeze(const struct psv_dynamic_site *site, struct psv_exchange *exchange,
                  const struct psv_script *script, struct psv_message *message)
{
    const struct psv_request *request = &exchange->request;
    struct psv_bytes local = psv_bytes_of(exchange->peer.local_address);
    struct psv_bytes type = psv_headers_value(&request->headers, PSV_FIELD_CONTENT_TYPE);

    struct psv_bytes trace_parent = trace_parent_of(exchange);
    struct psv_bytes tls_name = PSV_BYTES_EMPTY;

    if (exchange->peer.tls_server_name != NULL) {
        tls_name = psv_arena_copy(&exchange->arena, psv_bytes_of(exchange->peer.tls_server_name));
        if (tls_name.data == NULL) {
            return PSV_ENOMEM;
        }
    }
    if (type.data != NULL) {
        type = psv_arena_copy(&exchange->arena, type); /* followed by a NUL, as PHP wants it */
        if (type.data == NULL) {
            return PSV_ENOMEM;
        }
    }
    message->method = request->method_text;
    message->protocol = psv_bytes_of(psv_http_version_text(request->version));
    message->scheme = request->is_https ? PSV_BYTES("https") : PSV_BYTES("http");
    message->target = request->target;
    message->query = request->query;
    message->document_root = site->document_root;
    message->settings = site->settings;
    message->script_filename = script->filename;
    message->script_name = script->name;
    message->path_info = script->path_info;
    message->server_name = site->server_name.len > 0 ? site->server_name
                           : request->host.len > 0   ? request->host
                                                     : local;
    message->server_address = local;
    message->remote_address = psv_bytes_of(exchange->peer.remote_address);
    message->tls_protocol = text_or_none(exchange->peer.tls_protocol);
    message->tls_cipher = text_or_none(exchange->peer.tls_cipher);
    message->tls_server_name = tls_name;
    message->content_type = type;
    message->request_id = psv_bytes_of(exchange->request_id);
    message->trace_id = part_of(trace_parent, TRACE_ID_AT, PSV_TRACE_ID_LEN);
    message->span_id = part_of(trace_parent, SPAN_ID_AT, PSV_SPAN_ID_LEN);
    message->fields = request->headers.items;
    message->fields_len = request->headers.len;
    message->server_port = port_of(exchange);
    message->remote_port = exchange->peer.remote_port;
    message->protocol_number = protocol_numbers[request->version];
    message->auth_type = exchange->is_user_checked ? PSV_BYTES("Basic") : PSV_BYTES_EMPTY;
    message->is_https = request->is_https;
    message->is_head = request->method == PSV_METHOD_HEAD;
    message->hides_runtime = site->hides_runtime;
    message->content_length = (int64_t)exchange->body.len;
    message->received_unix_us = exchange->received_unix_us;
    return PSV_OK;
}

bool psv_dynamic_is_at_limit(const struct psv_dynamic_site *site)
{
    return site->limit->max > 0 && site->limit->len >= site->limit->max;
}

static void announce(struct psv_worker_group *group)
{
    if (group->unannounced > 0) {
        group->unannounced = 0;
        psv_queue_kick(&group->queue);
    }
}

int psv_dynamic_dispatch(struct psv_dynamic *dynamic, const struct psv_dynamic_site *site,
                         struct psv_exchange *exchange, const struct psv_script *script, uint64_t now_ns)
{
    if (psv_dynamic_is_at_limit(site)) {
        return PSV_EFULL;
    }
    struct psv_job *job = psv_job_new(&exchange->arena, &exchange->body);
    if (job == NULL || freeze(site, exchange, script, &job->message) != PSV_OK) {
        return PSV_ENOMEM;
    }
    job->exchange = exchange;
    job->queued_ns = now_ns;
    job->site = site;
    job->group = script->group;
    job->stream_timeout_ms = site->stream_timeout_ms;
    job->wants_usage = dynamic->wants_usage;
    atomic_store_explicit(&job->deadline_ns, site->timeout_ns != 0 ? now_ns + site->timeout_ns : 0,
                          memory_order_relaxed); /* published by the push */
    psv_sink_init(&job->sink, job, dynamic->mailbox, dynamic->response_memory_bytes,
                  dynamic->response_window_bytes);
    if (dynamic->choose_filter != NULL) {
        job->sink.filter = dynamic->choose_filter(dynamic->filter_context, &exchange->request.headers);
    }
    if (dynamic->choose_injection != NULL) {
        job->sink.injection = dynamic->choose_injection(dynamic->injection_context, exchange);
    }
    if (dynamic->choose_decoder != NULL) {
        /* an unknown coding was refused at the request's head */
        (void)!dynamic->choose_decoder(dynamic->decoder_context, &exchange->request.headers, &job->decoder);
    }
    exchange->job = job;
    exchange->is_job_held = true;
    int code = psv_queue_add(&script->group->queue, job);
    if (code != PSV_OK) {
        exchange->is_job_held = false;
        exchange->job = NULL;
        return code;
    }
    site->limit->len++;
    if (++script->group->unannounced == ANNOUNCE_EVERY) {
        announce(script->group);
    }
    return PSV_OK;
}

void psv_dynamic_announce(struct psv_dynamic *dynamic)
{
    for (unsigned i = 0; i < dynamic->groups_len; i++) {
        announce(&dynamic->groups[i]);
    }
}

static void note_times(const struct psv_job *job)
{
    if (job->started_ns != 0) {
        psv_metric_observe_ns(PSV_HISTOGRAM_QUEUE_WAIT, job->started_ns - job->queued_ns);
        psv_metric_observe_ns(PSV_HISTOGRAM_WORKER_RUN, job->finished_ns - job->started_ns);
    }
}

/* The length that the head tells.  HEAD and a complete response: what was written, or what the script
 * promised for it. */
static int64_t response_length(const struct psv_exchange *exchange, const struct psv_response_sink *sink,
                               const struct psv_list *pieces, bool is_complete)
{
    if (psv_status_is_bodiless(sink->status)) {
        return -1;
    }
    if (exchange->request.method == PSV_METHOD_HEAD) {
        if (sink->is_encoded) {
            return -1; /* known only to who encodes it */
        }
        /* a script that wrote nothing may have left the body out because of HEAD: its length is not known */
        bool is_counted = sink->content_length < 0 && is_complete && sink->written_bytes > 0;
        return !is_counted ? sink->content_length : (int64_t)sink->written_bytes;
    }
    return is_complete ? (int64_t)psv_body_pieces_len(pieces) : sink->content_length;
}

/* Body that nobody gets: a script that goes on printing does not wait for it. */
static void drop_pieces(struct psv_exchange *exchange, struct psv_list *pieces)
{
    uint64_t len = psv_body_pieces_len(pieces);

    psv_body_pieces_release(pieces);
    if (exchange->is_job_held && len > 0) {
        psv_sink_credit(&exchange->job->sink, len);
    }
}

/* A script that says 404 or 500 and nothing more: the site's page is what it means. */
static bool wants_error_page(const struct psv_exchange *exchange, const struct psv_response_sink *sink,
                             const struct psv_list *pieces, bool is_complete)
{
    return is_complete && sink->status >= 400 && psv_body_pieces_len(pieces) == 0 &&
           psv_exchange_pages(exchange) != NULL &&
           psv_error_pages_find(psv_exchange_pages(exchange), sink->status,
                                psv_accept_choose(&exchange->request.headers)) != NULL;
}

/* Keeps the script's fields but those about its body. */
static void answer_error_page(struct psv_exchange *exchange, const struct psv_response_sink *sink)
{
    struct psv_field kept[KEPT_FIELDS_MAX];
    unsigned len = 0;

    for (unsigned i = 0; i < sink->fields_len && len < KEPT_FIELDS_MAX; i++) {
        enum psv_field_id id = sink->fields[i].id;
        if (id != PSV_FIELD_CONTENT_TYPE && id != PSV_FIELD_CONTENT_LENGTH &&
            id != PSV_FIELD_CONTENT_ENCODING) {
            kept[len++] = sink->fields[i];
        }
    }
    psv_exchange_refuse(exchange, sink->status, NULL, kept, len);
}

static bool hands_over_a_file(const struct psv_job *job)
{
    const struct psv_response_sink *sink = &job->sink;

    return job->site->sendfile != NULL && sink->status / 100 == 2 &&
           psv_sendfile_is_wanted(sink->fields, sink->fields_len);
}

static void start_response(struct psv_exchange *exchange, const struct psv_response_sink *sink,
                           struct psv_list *pieces, bool is_complete)
{
    struct psv_response *response = &exchange->response;
    char timing[PSV_SERVER_TIMING_BYTES];

    if (hands_over_a_file(exchange->job)) {
        drop_pieces(exchange, pieces);
        exchange->job->is_replaced = true;
        psv_sendfile_answer(exchange->job->site->sendfile, exchange, sink->fields, sink->fields_len);
        return;
    }
    if (wants_error_page(exchange, sink, pieces, is_complete)) {
        psv_body_pieces_release(pieces);
        answer_error_page(exchange, sink);
        return;
    }
    response->status = sink->status;
    response->headers = (struct psv_headers){
        .items = (struct psv_field *)(uintptr_t)sink->fields, /* read by the codec only */
        .len = sink->fields_len,
        .capacity = sink->fields_len,
        .max_len = sink->fields_len,
    };
    response->content_length = response_length(exchange, sink, pieces, is_complete);
    if (exchange->shows_timing) {
        size_t len = psv_server_timing_format(exchange->job, is_complete, psv_clock_monotonic_ns(), timing);
        response->server_timing = (struct psv_bytes){timing, len};
    }
    psv_exchange_respond(exchange, pieces, is_complete);
}

static void refuse_failed(struct psv_exchange *exchange, const struct psv_job *job)
{
    if (job->refusal_status != 0) {
        psv_exchange_refuse(exchange, job->refusal_status, job->refusal, NULL, 0);
    } else {
        psv_exchange_refuse(exchange, 500, "the response could not be completed", NULL, 0);
    }
}

void psv_dynamic_on_part(struct psv_dynamic *dynamic, struct psv_response_part *part)
{
    struct psv_job *job = part->job;
    unsigned flags = part->flags;
    struct psv_list pieces;

    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    struct psv_exchange *exchange = job->exchange;
    psv_list_init(&pieces);
    psv_list_append(&pieces, &psv_part_piece(part)->link);
    if ((flags & PSV_PART_INFORM) != 0) {
        psv_informational_deliver(part, exchange);
        psv_body_pieces_release(&pieces);
        return;
    }
    if ((flags & PSV_PART_RELEASE) != 0) {
        exchange->is_job_held = false;
        job->site->limit->len -= !job->is_given_up;
        note_times(job);
    }
    if (atomic_load_explicit(&job->is_gone, memory_order_relaxed)) { /* set by this thread only */
        psv_body_pieces_release(&pieces);
        if (exchange->is_ended && !exchange->is_job_held) {
            dynamic->on_released(exchange);
        }
        return;
    }
    /* each of these may end and free the exchange: nothing follows */
    if ((flags & (PSV_PART_FAILED | PSV_PART_HEAD)) == (PSV_PART_FAILED | PSV_PART_HEAD) &&
        hands_over_a_file(job)) {
        flags &= ~(unsigned)PSV_PART_FAILED; /* the Content-Length that the body misses is the file's */
    }
    if ((flags & PSV_PART_FAILED) != 0 && !exchange->is_complete) {
        psv_body_pieces_release(&pieces);
        if (exchange->is_answered) {
            psv_exchange_abort(exchange);
        } else {
            refuse_failed(exchange, job);
        }
    } else if ((flags & PSV_PART_HEAD) != 0) {
        start_response(exchange, &job->sink, &pieces, (flags & PSV_PART_END) != 0);
    } else if (!exchange->is_complete) {
        psv_exchange_send_body(exchange, &pieces, (flags & PSV_PART_END) != 0);
    } else {
        drop_pieces(exchange, &pieces); /* the response was finished earlier, or is a file */
        if (exchange->is_ended && !exchange->is_job_held) {
            dynamic->on_released(exchange);
        }
    }
}

void psv_dynamic_on_sent(struct psv_exchange *exchange, uint64_t bytes)
{
    /* a file in place of the script's body is none of its bytes */
    if (exchange->is_job_held && !exchange->job->is_replaced) {
        psv_sink_credit(&exchange->job->sink, bytes);
    }
}

void psv_dynamic_on_client_gone(struct psv_exchange *exchange)
{
    struct psv_job *job = exchange->job;

    if (psv_job_try_cancel(job)) {
        psv_metric_inc(PSV_METRIC_CLIENT_ABORTS_QUEUED);
    } else {
        psv_metric_inc(PSV_METRIC_CLIENT_ABORTS_RUNNING);
    }
    psv_job_set_gone(job);
}

bool psv_dynamic_withdraw(struct psv_exchange *exchange)
{
    if (!exchange->is_job_held || !psv_job_try_cancel(exchange->job)) {
        return false;
    }
    psv_job_set_gone(exchange->job);
    return true;
}

/* In vain when the job has just ended, was given up before, or there is no room: asked again in a second. */
static void give_up(const struct psv_dynamic *dynamic, struct psv_exchange *exchange)
{
    if (!exchange->job->is_given_up &&
        psv_worker_pool_give_up(exchange->job->group->pool, exchange->job) == PSV_OK) {
        exchange->job->is_given_up = true;
        exchange->job->site->limit->len--;
        dynamic->on_given_up(exchange);
    }
}

bool psv_dynamic_on_deadline(struct psv_dynamic *dynamic, struct psv_exchange *exchange, uint64_t now_ns)
{
    struct psv_job *job = exchange->job;

    /* relaxed: only this job's worker moves it, and being a little late is harmless */
    uint64_t deadline_ns = atomic_load_explicit(&job->deadline_ns, memory_order_relaxed);
    if (deadline_ns == 0 || deadline_ns > now_ns) {
        return false;
    }
    if (dynamic->answer_overdue != NULL && !exchange->is_answered &&
        !atomic_load_explicit(&job->is_gone, memory_order_relaxed)) {
        dynamic->answer_overdue(dynamic->overdue_context, exchange);
    }
    if (!psv_job_try_cancel(job)) {
        psv_worker_pool_interrupt(job->group->pool, job);
        if (dynamic->give_up_ns > 0 && now_ns - deadline_ns >= dynamic->give_up_ns) {
            give_up(dynamic, exchange);
        }
    }
    if (atomic_load_explicit(&job->is_gone, memory_order_relaxed)) {
        return true; /* nobody waits for an answer any more */
    }
    psv_metric_inc(PSV_METRIC_TIMEOUTS_REQUEST);
    psv_job_set_gone(job);
    if (exchange->is_complete) {
        return true; /* answered in full; only the script's aftermath is stopped */
    }
    if (exchange->is_answered) {
        psv_exchange_abort(exchange);
    } else {
        psv_exchange_refuse(exchange, 504, "request deadline exceeded", NULL, 0);
    }
    return true;
}
