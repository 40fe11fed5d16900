/* See access_variables.h.
 *
 * SPDX-License-Identifier: MIT */
#include "access_variables.h"

#include <stdatomic.h>

#include "exec/exchange.h"
#include "exec/job.h"
#include "filter/exchange_times.h"
#include "filter/trace_context.h"
#include "http/basic_credentials.h"
#include "http/extra_fields.h"
#include "os/clock.h"

/* What was logged by others for a client that left before there was an answer. */
#define STATUS_CLIENT_GONE 499u

unsigned psv_access_status(const struct psv_exchange *exchange, bool is_aborted)
{
    if (exchange->is_answered)
        return exchange->response.status;
    return is_aborted ? STATUS_CLIENT_GONE : 0;
}

size_t psv_access_basic_user(const struct psv_exchange *exchange, char *out, size_t out_max)
{
    return psv_basic_user(psv_headers_value(&exchange->request.headers, PSV_FIELD_AUTHORIZATION), out,
                          out_max);
}

/* ---- forms of values */

/* What is not there: "-" as in nginx, in JSON an empty text. */
static void put_nothing(struct psv_access_line *line, const struct psv_access_values *values)
{
    if (values->escaping != PSV_ACCESS_ESCAPE_JSON)
        PSV_ACCESS_PUT(line, "-");
}

static void put_text(struct psv_access_line *line, const struct psv_access_values *values,
                     struct psv_bytes text, size_t max)
{
    if (text.len == 0)
        put_nothing(line, values);
    else
        psv_access_line_put_escaped(line, text, values->escaping, max);
}

/* A text of the server's own: plain and no longer than the table says. */
static void put_own(struct psv_access_line *line, const struct psv_access_values *values, const char *text,
                    size_t max)
{
    struct psv_bytes bytes = psv_bytes_of(text);
    if (bytes.len == 0)
        put_nothing(line, values);
    else
        psv_access_line_put(line, psv_bytes_first(bytes, max));
}

static void put_seconds(struct psv_access_line *line, const struct psv_access_values *values, bool is_known,
                        uint64_t duration_ns)
{
    if (is_known)
        psv_access_line_put_seconds(line, duration_ns);
    else
        put_nothing(line, values);
}

/* ---- values that are more than a look-up */

static void put_user(struct psv_access_line *line, const struct psv_access_values *values, size_t max)
{
    char user[64];
    size_t len = psv_access_basic_user(values->exchange, user, sizeof(user));
    for (size_t i = 0; i < len; i++) {
        if (user[i] == ' ')
            user[i] = '_'; /* most formats have no quotes around it */
    }
    put_text(line, values, (struct psv_bytes){user, len}, max);
}

/* "GET /path HTTP/1.1"; the target gets what the others leave. */
static void put_request(struct psv_access_line *line, const struct psv_access_values *values, size_t max)
{
    const struct psv_request *request = &values->exchange->request;
    struct psv_bytes version = psv_bytes_of(psv_http_version_text(request->version));
    if (request->method_text.len == 0) {
        put_nothing(line, values);
        return;
    }
    size_t begin = line->len;
    psv_access_line_put_escaped(line, request->method_text, values->escaping, 32);
    PSV_ACCESS_PUT(line, " ");
    psv_access_line_put_escaped(line, request->target, values->escaping,
                                max - (line->len - begin) - version.len - 1);
    PSV_ACCESS_PUT(line, " ");
    psv_access_line_put(line, version);
}

static struct psv_bytes find_field(const struct psv_headers *headers, const struct psv_access_piece *piece)
{
    if (piece->field_id != PSV_FIELD_UNKNOWN)
        return psv_headers_value(headers, piece->field_id);
    const struct psv_field *field = psv_headers_find_name(headers, piece->text);
    return field != NULL ? field->value : PSV_BYTES_EMPTY;
}

/* What the configuration adds to every response that has none of that name. */
static struct psv_bytes find_added_field(const struct psv_exchange *exchange,
                                         const struct psv_access_piece *piece)
{
    const struct psv_extra_fields *fields = psv_exchange_fields(exchange);
    for (unsigned i = 0; fields != NULL && i < fields->len; i++) {
        if (psv_bytes_equal_case(fields->items[i].name, piece->text))
            return fields->items[i].value;
    }
    return PSV_BYTES_EMPTY;
}

static void put_sent_field(struct psv_access_line *line, const struct psv_access_values *values,
                           const struct psv_access_piece *piece, size_t max)
{
    const struct psv_response *response = &values->exchange->response;
    if (!values->exchange->is_answered)
        put_nothing(line, values);
    else if (piece->field_id == PSV_FIELD_CONTENT_LENGTH && response->content_length >= 0)
        psv_access_line_put_u64(line, (uint64_t)response->content_length);
    else {
        struct psv_bytes value = find_field(&response->headers, piece);
        put_text(line, values, value.data != NULL ? value : find_added_field(values->exchange, piece), max);
    }
}

static struct psv_bytes script_of(const struct psv_exchange *exchange)
{
    return exchange->job != NULL ? exchange->job->message.script_name : PSV_BYTES_EMPTY;
}

static void put_worker(struct psv_access_line *line, const struct psv_access_values *values)
{
    struct psv_job *job = values->exchange->job;
    /* relaxed: a number, guards nothing */
    unsigned worker_plus_1 =
        job != NULL ? atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed) : 0;
    if (worker_plus_1 != 0)
        psv_access_line_put_u64(line, worker_plus_1 - 1);
    else
        put_nothing(line, values);
}

static void put_usage(struct psv_access_line *line, const struct psv_access_values *values, bool is_memory)
{
    const struct psv_exchange *exchange = values->exchange;
    struct psv_exchange_times times;
    psv_exchange_times_get(exchange, values->facts->now_ns, &times);
    if (!times.has_php) /* then the worker may still write them */
        put_nothing(line, values);
    else if (!is_memory)
        psv_access_line_put_seconds(line, exchange->job->cpu_ns);
    else if (exchange->job->memory_peak_bytes != 0)
        psv_access_line_put_u64(line, exchange->job->memory_peak_bytes);
    else
        put_nothing(line, values); /* a runtime that does not count it */
}

static void put_time(struct psv_access_line *line, const struct psv_access_values *values,
                     enum psv_access_variable variable)
{
    struct psv_exchange_times times;
    psv_exchange_times_get(values->exchange, values->facts->now_ns, &times);
    switch ((int)variable) {
    case PSV_ACCESS_READ_TIME:
        put_seconds(line, values, times.has_read, times.read_ns);
        return;
    case PSV_ACCESS_QUEUE_TIME:
        put_seconds(line, values, times.has_queue, times.queue_ns);
        return;
    case PSV_ACCESS_PHP_TIME:
        put_seconds(line, values, times.has_php, times.php_ns);
        return;
    case PSV_ACCESS_SEND_TIME:
        put_seconds(line, values, times.has_send, times.send_ns);
        return;
    default:
        put_seconds(line, values, true, times.total_ns);
    }
}

static void put_trace(struct psv_access_line *line, const struct psv_access_values *values,
                      enum psv_access_variable variable, size_t max)
{
    const struct psv_trace *trace = values->exchange->trace;
    put_own(line, values,
            trace == NULL                     ? ""
            : variable == PSV_ACCESS_TRACE_ID ? trace->span.trace_id
            : variable == PSV_ACCESS_SPAN_ID  ? trace->span.span_id
                                              : trace->parent_id,
            max);
}

static struct psv_bytes server_name_of(const struct psv_access_values *values)
{
    return values->facts->server_name.len > 0 ? values->facts->server_name : values->exchange->request.host;
}

/* ---- the table's numbers, texts of the client, texts of the server */

static void put_number(struct psv_access_line *line, const struct psv_access_values *values,
                       enum psv_access_variable variable)
{
    const struct psv_exchange *exchange = values->exchange;
    unsigned status;
    switch ((int)variable) {
    case PSV_ACCESS_REMOTE_PORT:
        psv_access_line_put_u64(line, exchange->peer.remote_port);
        return;
    case PSV_ACCESS_SERVER_PORT:
        psv_access_line_put_u64(line, exchange->peer.local_port);
        return;
    case PSV_ACCESS_REQUEST_LENGTH:
        psv_access_line_put_u64(line, exchange->bytes_received);
        return;
    case PSV_ACCESS_BODY_BYTES_SENT:
        psv_access_line_put_u64(line, exchange->bytes_sent);
        return;
    case PSV_ACCESS_BYTES_SENT:
        psv_access_line_put_u64(line, exchange->head_bytes_sent + exchange->bytes_sent);
        return;
    case PSV_ACCESS_MSEC:
        psv_access_line_put_seconds(line, exchange->received_unix_us * PSV_NS_PER_US);
        return;
    default:
        status = psv_access_status(exchange, values->facts->is_aborted);
        if (status == 0)
            PSV_ACCESS_PUT(line, "000");
        else
            psv_access_line_put_u64(line, status);
    }
}

static struct psv_bytes text_of(const struct psv_access_values *values, enum psv_access_variable variable)
{
    const struct psv_request *request = &values->exchange->request;
    switch ((int)variable) {
    case PSV_ACCESS_SERVER_NAME:
        return server_name_of(values);
    case PSV_ACCESS_SITE:
        return psv_bytes_of(values->exchange->site != NULL ? values->exchange->site->name : NULL);
    case PSV_ACCESS_HOST:
        return request->host;
    case PSV_ACCESS_REQUEST_METHOD:
        return request->method_text;
    case PSV_ACCESS_REQUEST_URI:
        return request->target;
    case PSV_ACCESS_URI:
        return request->path;
    case PSV_ACCESS_SCRIPT:
        return script_of(values->exchange);
    case PSV_ACCESS_SSL_SERVER_NAME:
        return psv_bytes_of(values->exchange->peer.tls_server_name);
    default: /* ARGS, QUERY_STRING */
        return request->query;
    }
}

static const char *own_text_of(const struct psv_access_values *values, enum psv_access_variable variable)
{
    const struct psv_exchange *exchange = values->exchange;
    switch ((int)variable) {
    case PSV_ACCESS_REMOTE_ADDR:
        return exchange->peer.remote_address;
    case PSV_ACCESS_SERVER_ADDR:
        return exchange->peer.local_address;
    case PSV_ACCESS_SERVER_PROTOCOL:
        return psv_http_version_text(exchange->request.version);
    case PSV_ACCESS_SCHEME:
        return exchange->request.is_https ? "https" : "http";
    case PSV_ACCESS_REQUEST_ID:
        return exchange->request_id;
    case PSV_ACCESS_REQUEST_COMPLETION:
        return exchange->is_answered && !values->facts->is_aborted ? "OK" : "";
    case PSV_ACCESS_SSL_PROTOCOL:
        return exchange->peer.tls_protocol;
    case PSV_ACCESS_SSL_CIPHER:
        return exchange->peer.tls_cipher;
    default: /* REFUSAL */
        return exchange->refusal;
    }
}

/* What the table calls FUNCTION: each in its own way. */
static void put_by_function(struct psv_access_line *line, const struct psv_access_values *values,
                            const struct psv_access_piece *piece, size_t max)
{
    switch ((int)piece->variable) {
    case PSV_ACCESS_REMOTE_USER:
        put_user(line, values, max);
        return;
    case PSV_ACCESS_REQUEST:
        put_request(line, values, max);
        return;
    case PSV_ACCESS_HTTP_FIELD:
        put_text(line, values, find_field(&values->exchange->request.headers, piece), max);
        return;
    case PSV_ACCESS_SENT_FIELD:
        put_sent_field(line, values, piece, max);
        return;
    case PSV_ACCESS_TIME_LOCAL:
        psv_access_line_put(line, (struct psv_bytes){values->facts->time_local, PSV_DATE_CLF_LEN});
        return;
    case PSV_ACCESS_TIME_ISO8601:
        psv_access_line_put(line, (struct psv_bytes){values->facts->time_iso, PSV_DATE_ISO_LEN});
        return;
    case PSV_ACCESS_WORKER:
        put_worker(line, values);
        return;
    default:
        put_usage(line, values, piece->variable == PSV_ACCESS_MEMORY_PEAK);
    }
}

enum form { FORM_LITERAL, FORM_OWN, FORM_NUMBER, FORM_TEXT, FORM_TIME, FORM_TRACE, FORM_FUNCTION };

static const uint8_t forms[PSV_ACCESS_VARIABLE_COUNT] = {
#define V(id, name, form, least, most) [PSV_ACCESS_##id] = FORM_##form,
    PSV_ACCESS_VARIABLE_TABLE(V)
#undef V
};

void psv_access_variable_put(struct psv_access_line *line, const struct psv_access_values *values,
                             const struct psv_access_piece *piece, size_t max)
{
    switch ((enum form)forms[piece->variable]) {
    case FORM_LITERAL:
        psv_access_line_put(line, piece->text);
        return;
    case FORM_OWN:
        put_own(line, values, own_text_of(values, piece->variable), max);
        return;
    case FORM_NUMBER:
        put_number(line, values, piece->variable);
        return;
    case FORM_TEXT:
        put_text(line, values, text_of(values, piece->variable), max);
        return;
    case FORM_TIME:
        put_time(line, values, piece->variable);
        return;
    case FORM_TRACE:
        put_trace(line, values, piece->variable, max);
        return;
    case FORM_FUNCTION:
        put_by_function(line, values, piece, max);
        return;
    }
}
