/* See trace_export.h.
 *
 * SPDX-License-Identifier: MIT */
#include "trace_export.h"

#include <stdatomic.h>
#include <string.h>

#include "exec/exchange.h"
#include "exec/job.h"
#include "filter/exchange_times.h"
#include "filter/trace_context.h"
#include "observe/otlp.h"

_Static_assert(PSV_TRACE_ID_LEN == PSV_OTLP_TRACE_ID_LEN && PSV_SPAN_ID_LEN == PSV_OTLP_SPAN_ID_LEN,
               "ids are those of W3C Trace Context");

static const char *const protocols[PSV_HTTP_VERSION_COUNT] = {"1.0", "1.1", "2"};

static void set_trace(struct psv_otlp_span *span, const struct psv_exchange *exchange)
{
    const struct psv_trace *trace = exchange->trace;

    memcpy(span->trace_id, trace->span.trace_id, PSV_TRACE_ID_LEN);
    memcpy(span->span_id, trace->span.span_id, PSV_SPAN_ID_LEN);
    span->has_parent = trace->parent_id[0] != '\0';
    if (span->has_parent) {
        memcpy(span->parent_id, trace->parent_id, PSV_SPAN_ID_LEN);
    }
    span->flags = trace->span.flags;
}

static void set_times(struct psv_otlp_span *span, const struct psv_exchange *exchange, uint64_t now_ns)
{
    struct psv_exchange_times times;

    psv_exchange_times_get(exchange, now_ns, &times);
    span->begin_ns = exchange->received_ns;
    span->end_ns = now_ns;
    span->queue_begin_ns = times.has_queue ? exchange->job->queued_ns : 0;
    span->queue_end_ns = times.has_queue ? span->queue_begin_ns + times.queue_ns : 0;
    span->run_begin_ns = times.has_php ? exchange->job->started_ns : 0;
    span->run_end_ns = times.has_php ? span->run_begin_ns + times.php_ns : 0;
}

/* The client's, when the trace is the client's: several fields are one list (section 3.3.1.4). */
static void set_state(struct psv_otlp_span *span, const struct psv_headers *headers)
{
    static const struct psv_bytes name = PSV_BYTES_INIT("tracestate");
    char joined[512];
    size_t len = 0;

    for (unsigned i = 0; span->has_parent && i < headers->len; i++) {
        const struct psv_field *field = &headers->items[i];
        if (field->id != PSV_FIELD_UNKNOWN || !psv_bytes_equal_case(field->name, name) ||
            field->value.len == 0) {
            continue;
        }
        if (len + (len > 0) + field->value.len > sizeof(joined)) {
            len = 0; /* half a list would be wrong */
            break;
        }
        if (len > 0) {
            joined[len++] = ',';
        }
        memcpy(joined + len, field->value.data, field->value.len);
        len += field->value.len;
    }
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_TRACE_STATE, (struct psv_bytes){joined, len});
}

static void set_request(struct psv_otlp_span *span, const struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;
    const struct psv_job *job = exchange->job;
    const struct psv_peer *peer = &exchange->peer;

    span->is_https = request->is_https;
    span->is_known_method = request->method != PSV_METHOD_OTHER;
    span->protocol = protocols[request->version];
    span->server_port = request->port != 0 ? request->port : peer->local_port;
    span->client_port = peer->remote_port;
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_METHOD, request->method_text);
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_PATH, request->raw_path);
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_SERVER_ADDRESS,
                           request->host.len > 0 ? request->host : psv_bytes_of(peer->local_address));
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_CLIENT_ADDRESS, psv_bytes_of(peer->remote_address));
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_USER_AGENT,
                           psv_headers_value(&request->headers, PSV_FIELD_USER_AGENT));
    set_state(span, &request->headers);
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_SCRIPT,
                           job != NULL ? job->message.script_name : PSV_BYTES_EMPTY);
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_REQUEST_ID, psv_bytes_of(exchange->request_id));
    psv_otlp_span_set_text(span, PSV_OTLP_TEXT_SITE,
                           psv_bytes_of(exchange->site != NULL ? exchange->site->name : NULL));
}

static void set_response(struct psv_otlp_span *span, const struct psv_exchange *exchange, bool is_aborted)
{
    struct psv_job *job = exchange->job;

    span->status = exchange->is_answered ? (uint16_t)exchange->response.status : 0;
    span->body_bytes = exchange->bytes_sent;
    span->refusal = exchange->refusal;
    span->error_type = is_aborted ? "aborted" : NULL;
    /* relaxed: a number, guards nothing */
    span->worker_plus_1 = job != NULL ? atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed) : 0;
}

void psv_trace_export(struct psv_otlp *otlp, const struct psv_exchange *exchange, uint64_t now_ns,
                      bool is_aborted)
{
    if (exchange->trace == NULL || (exchange->trace->span.flags & PSV_TRACE_SAMPLED) == 0) {
        return;
    }
    struct psv_otlp_span *span = psv_otlp_take(otlp);
    if (span == NULL) {
        return;
    }
    set_trace(span, exchange);
    set_times(span, exchange, now_ns);
    set_request(span, exchange);
    set_response(span, exchange, is_aborted);
    psv_otlp_push(otlp, span);
}
