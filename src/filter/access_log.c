/* Formats one line per finished exchange and gives it to the log thread.  [loop]  No allocation, no
 * system call. Must not know codecs or handlers: it reads the exchange only.
 *
 * SPDX-License-Identifier: MIT */
#include "access_log.h"

#include <string.h>

#include "base/assert.h"
#include "exec/exchange.h"
#include "exec/job.h"
#include "filter/access_line.h"
#include "filter/access_log_caddy.h"
#include "filter/access_log_short.h"
#include "filter/access_variables.h"
#include "filter/exchange_times.h"
#include "filter/trace_context.h"
#include "http/basic_credentials.h"
#include "observe/log.h"
#include "os/clock.h"

/* Longest texts in the line, after escaping.  The log thread takes no longer line than
 * PSV_ACCESS_LOG_LINE_BYTES, and a line that it had to cut would be no JSON any more: so each text has its
 * share, and the rest of the line is known. */
enum {
    CUT_MARK = 4, /* room that a text keeps for "..." */
    REQUEST_ID_MAX = PSV_REQUEST_ID_MAX + CUT_MARK,
    REMOTE_MAX = 52,
    USER_MAX = 72,
    METHOD_MAX = 32,
    TARGET_MAX = 632,
    SITE_MAX = 68,
    PROTOCOL_MAX = 16,
    REFERER_MAX = 256,
    USER_AGENT_MAX = 256,
    REFUSAL_MAX = 64,
    REST_MAX = 520, /* of the longest form: keys and punctuation of JSON, time and numbers */
};
_Static_assert(REQUEST_ID_MAX + REMOTE_MAX + USER_MAX + METHOD_MAX + TARGET_MAX + SITE_MAX + PROTOCOL_MAX +
                       REFERER_MAX + USER_AGENT_MAX + REFUSAL_MAX + REST_MAX <=
                   PSV_ACCESS_LOG_LINE_BYTES,
               "the longest line fits");

_Static_assert(CUT_MARK == PSV_ACCESS_CUT_MARK, "one mark");
_Static_assert(PSV_ACCESS_LOG_SHORT_BYTES <= PSV_ACCESS_LOG_LINE_BYTES, "so does the short one");
_Static_assert(PSV_ACCESS_LOG_CADDY_BYTES <= PSV_ACCESS_LOG_LINE_BYTES, "and Caddy's");

#define PUT(line, literal) PSV_ACCESS_PUT((line), literal)

static char digit_of(unsigned value)
{
    return (char)('0' + value % 10);
}

/* Only the milliseconds differ between most lines: the rest is kept for a second. */
static void set_time(struct psv_access_log *log, uint64_t unix_us)
{
    uint64_t unix_s = unix_us / PSV_US_PER_S;
    unsigned ms = (unsigned)(unix_us % PSV_US_PER_S / 1000);
    char *decimals = log->time_iso + PSV_DATE_ISO_LEN - 4; /* "000Z" */
    if (!log->has_second || log->second != unix_s) {
        psv_date_format_iso(log->time_iso, (int64_t)unix_s * 1000);
        psv_date_format_clf(log->time_local, (int64_t)unix_s);
        log->second = unix_s;
        log->has_second = true;
    }
    decimals[0] = digit_of(ms / 100);
    decimals[1] = digit_of(ms / 10);
    decimals[2] = digit_of(ms);
}

static void put_status(struct psv_access_line *line, unsigned status)
{
    if (status == 0)
        PUT(line, "000");
    else
        psv_access_line_put_u64(line, status);
}

/* "GET /path HTTP/1.1" without the quotes; "-" when the head never was complete. */
static void put_request_line(struct psv_access_line *line, const struct psv_request *request)
{
    if (request->method_text.len == 0) {
        PUT(line, "-");
        return;
    }
    psv_access_line_put_escaped(line, request->method_text, PSV_ACCESS_ESCAPE_HEX, METHOD_MAX);
    PUT(line, " ");
    psv_access_line_put_escaped(line, request->target, PSV_ACCESS_ESCAPE_HEX, TARGET_MAX);
    PUT(line, " ");
    psv_access_line_put(line, psv_bytes_of(psv_http_version_text(request->version)));
}

static void put_or_dash(struct psv_access_line *line, struct psv_bytes text, size_t max)
{
    if (text.len == 0)
        PUT(line, "-");
    else
        psv_access_line_put_escaped(line, text, PSV_ACCESS_ESCAPE_HEX, max);
}

static void put_user(struct psv_access_line *line, const struct psv_exchange *exchange)
{
    char user[64];
    size_t len = psv_access_basic_user(exchange, user, sizeof(user));
    /* the field is delimited by blanks and has no quotes around it */
    for (size_t i = 0; i < len; i++) {
        if (user[i] == ' ')
            user[i] = '_';
    }
    put_or_dash(line, (struct psv_bytes){user, len}, USER_MAX);
}

static void put_common(struct psv_access_log *log, struct psv_access_line *line,
                       const struct psv_exchange *exchange, bool is_aborted)
{
    put_or_dash(line, psv_bytes_of(exchange->peer.remote_address), REMOTE_MAX);
    PUT(line, " - ");
    put_user(line, exchange);
    PUT(line, " [");
    psv_access_line_put(line, (struct psv_bytes){log->time_local, PSV_DATE_CLF_LEN});
    PUT(line, "] \"");
    put_request_line(line, &exchange->request);
    PUT(line, "\" ");
    put_status(line, psv_access_status(exchange, is_aborted));
    PUT(line, " ");
    if (exchange->bytes_sent == 0)
        PUT(line, "-");
    else
        psv_access_line_put_u64(line, exchange->bytes_sent);
}

static void put_combined(struct psv_access_line *line, const struct psv_exchange *exchange)
{
    PUT(line, " \"");
    put_or_dash(line, psv_headers_value(&exchange->request.headers, PSV_FIELD_REFERER), REFERER_MAX);
    PUT(line, "\" \"");
    put_or_dash(line, psv_headers_value(&exchange->request.headers, PSV_FIELD_USER_AGENT), USER_AGENT_MAX);
    PUT(line, "\"");
}

/* ,"name":"text", or null for none.  The text is foreign. */
#define PUT_MEMBER(line, name, text, max)                                                                    \
    do {                                                                                                     \
        PUT((line), ",\"" name "\":");                                                                       \
        psv_access_line_put_json((line), (text), (max));                                                     \
    } while (0)

/* The same for what can hold nothing that is escaped: digits, tokens (RFC 9110 5.6.2). */
#define PUT_PLAIN(line, name, text)                                                                          \
    do {                                                                                                     \
        PUT((line), ",\"" name "\":\"");                                                                     \
        psv_access_line_put((line), (text));                                                                 \
        PUT((line), "\"");                                                                                   \
    } while (0)

#define PUT_DURATION(line, name, is_known, duration_ns)                                                      \
    do {                                                                                                     \
        if (is_known) {                                                                                      \
            PUT((line), ",\"" name "\":");                                                                   \
            psv_access_line_put_ms((line), (duration_ns));                                                   \
        }                                                                                                    \
    } while (0)

static void put_worker(struct psv_access_line *line, const struct psv_exchange *exchange)
{
    struct psv_job *job = exchange->job;
    if (job == NULL)
        return;
    unsigned worker =
        atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed); /* a number, guards nothing */
    if (worker != 0) {
        PUT(line, ",\"worker\":");
        psv_access_line_put_u64(line, worker - 1);
    }
}

static void put_times(struct psv_access_line *line, const struct psv_exchange *exchange, uint64_t now_ns)
{
    struct psv_exchange_times times;
    psv_exchange_times_get(exchange, now_ns, &times);
    PUT_DURATION(line, "duration_ms", true, times.total_ns);
    PUT_DURATION(line, "read_ms", times.has_read, times.read_ns);
    put_worker(line, exchange);
    PUT_DURATION(line, "queue_ms", times.has_queue, times.queue_ns);
    PUT_DURATION(line, "php_ms", times.has_php, times.php_ns);
    PUT_DURATION(line, "send_ms", times.has_send, times.send_ns);
}

/* Those of the request that a line tells of. */
struct client_fields {
    struct psv_bytes authorization;
    struct psv_bytes referer;
    struct psv_bytes user_agent;
};

static void find_client_fields(const struct psv_headers *headers, struct client_fields *ret)
{
    *ret = (struct client_fields){PSV_BYTES_EMPTY, PSV_BYTES_EMPTY, PSV_BYTES_EMPTY};
    /* backwards, so that the first of several counts */
    for (unsigned i = headers->len; i > 0; i--) {
        const struct psv_field *field = &headers->items[i - 1];
        if (field->id == PSV_FIELD_USER_AGENT)
            ret->user_agent = field->value;
        else if (field->id == PSV_FIELD_REFERER)
            ret->referer = field->value;
        else if (field->id == PSV_FIELD_AUTHORIZATION)
            ret->authorization = field->value;
    }
}

static void put_json(struct psv_access_log *log, struct psv_access_line *line,
                     const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted)
{
    const struct psv_request *request = &exchange->request;
    struct client_fields fields;
    char user[64];
    find_client_fields(&request->headers, &fields);
    size_t user_len =
        fields.authorization.len != 0 ? psv_basic_user(fields.authorization, user, sizeof(user)) : 0;
    PUT(line, "{\"ts\":\"");
    psv_access_line_put(line, (struct psv_bytes){log->time_iso, PSV_DATE_ISO_LEN});
    PUT(line, "\"");
    PUT_MEMBER(line, "request_id", psv_bytes_of(exchange->request_id), REQUEST_ID_MAX);
    if (exchange->trace != NULL) {
        PUT_PLAIN(line, "trace_id", ((struct psv_bytes){exchange->trace->span.trace_id, PSV_TRACE_ID_LEN}));
        PUT_PLAIN(line, "span_id", ((struct psv_bytes){exchange->trace->span.span_id, PSV_SPAN_ID_LEN}));
        if (exchange->trace->parent_id[0] != '\0')
            PUT_PLAIN(line, "parent_id", psv_bytes_of(exchange->trace->parent_id));
    }
    if (log->names_sites)
        PUT_MEMBER(line, "site", psv_bytes_of(exchange->site->name), SITE_MAX);
    PUT_MEMBER(line, "remote", psv_bytes_of(exchange->peer.remote_address), REMOTE_MAX);
    if (user_len != 0)
        PUT_MEMBER(line, "user", ((struct psv_bytes){user, user_len}), USER_MAX);
    PUT_MEMBER(line, "method", request->method_text, METHOD_MAX);
    PUT_MEMBER(line, "target", request->target, TARGET_MAX);
    PUT_PLAIN(line, "protocol", psv_bytes_of(psv_http_version_text(request->version)));
    PUT(line, ",\"status\":");
    psv_access_line_put_u64(line, psv_access_status(exchange, is_aborted));
    PUT(line, ",\"bytes\":");
    psv_access_line_put_u64(line, exchange->bytes_sent);
    put_times(line, exchange, now_ns);
    PUT_MEMBER(line, "user_agent", fields.user_agent, USER_AGENT_MAX);
    PUT_MEMBER(line, "referer", fields.referer, REFERER_MAX);
    if (exchange->refusal != NULL)
        PUT_MEMBER(line, "refusal", psv_bytes_of(exchange->refusal), REFUSAL_MAX);
    if (is_aborted)
        PUT(line, ",\"aborted\":true}");
    else
        PUT(line, ",\"aborted\":false}");
}

void psv_access_log_init(struct psv_access_log *log, bool is_enabled, enum psv_access_log_format format)
{
    *log = (struct psv_access_log){.is_enabled = is_enabled, .format = format};
}

int psv_access_log_init_custom(struct psv_access_log *log, const char *format, struct psv_bytes server_name,
                               struct psv_error *reterr)
{
    psv_access_log_init(log, true, PSV_ACCESS_LOG_CUSTOM);
    log->server_name = server_name;
    return psv_access_format_compile(&log->custom, format, reterr);
}

void psv_access_log_fini(struct psv_access_log *log)
{
    psv_access_format_fini(&log->custom);
    log->is_enabled = false;
}

static void put_custom(struct psv_access_log *log, struct psv_access_line *line,
                       const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted)
{
    const struct psv_access_facts facts = {
        .time_local = log->time_local,
        .time_iso = log->time_iso,
        .server_name = log->server_name,
        .now_ns = now_ns,
        .is_aborted = is_aborted,
    };
    psv_access_format_render(&log->custom, line, exchange, &facts);
}

size_t psv_access_log_line(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                           bool is_aborted, char *out)
{
    struct psv_access_line line = {.out = out, .size = PSV_ACCESS_LOG_LINE_BYTES};
    set_time(log, exchange->received_unix_us);
    switch (log->format) {
    case PSV_ACCESS_LOG_JSON:
        put_json(log, &line, exchange, now_ns, is_aborted);
        break;
    case PSV_ACCESS_LOG_COMBINED:
        put_common(log, &line, exchange, is_aborted);
        put_combined(&line, exchange);
        break;
    case PSV_ACCESS_LOG_COMMON:
        put_common(log, &line, exchange, is_aborted);
        break;
    case PSV_ACCESS_LOG_CUSTOM:
        put_custom(log, &line, exchange, now_ns, is_aborted);
        break;
    case PSV_ACCESS_LOG_SHORT:
        return psv_access_log_short(exchange, now_ns, is_aborted, psv_log_access_has_colour(), out);
    case PSV_ACCESS_LOG_CADDY:
        psv_access_log_caddy(exchange, now_ns, is_aborted, &line);
        break;
    case PSV_ACCESS_LOG_FORMAT_COUNT:
        UNREACHABLE("no such format");
    }
    return line.len;
}

bool psv_access_log_wants(const struct psv_access_log *log, const struct psv_exchange *exchange,
                          bool is_aborted)
{
    return log->is_enabled && psv_access_status(exchange, is_aborted) >= log->status_min;
}

void psv_access_log_end(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                        bool is_aborted)
{
    if (!psv_access_log_wants(log, exchange, is_aborted))
        return;
    char *out = psv_log_access_begin();
    if (out != NULL)
        psv_log_access_end(out, psv_access_log_line(log, exchange, now_ns, is_aborted, out));
}
