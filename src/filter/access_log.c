/* Formats one line per finished exchange and gives it to the log thread.  [loop]  No allocation, no
 * system call. Must not know codecs or handlers: it reads the exchange only.
 *
 * SPDX-License-Identifier: MIT */
#include "access_log.h"

#include <string.h>

#include "base/assert.h"
#include "base/text_parse.h"
#include "exec/exchange.h"
#include "exec/job.h"
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
    TARGET_MAX = 728,
    PROTOCOL_MAX = 16,
    REFERER_MAX = 256,
    USER_AGENT_MAX = 256,
    REFUSAL_MAX = 64,
    REST_MAX = 488, /* of the longest form: keys and punctuation of JSON, time and numbers */
};
_Static_assert(REQUEST_ID_MAX + REMOTE_MAX + USER_MAX + METHOD_MAX + TARGET_MAX + PROTOCOL_MAX + REFERER_MAX +
                       USER_AGENT_MAX + REFUSAL_MAX + REST_MAX <=
                   PSV_ACCESS_LOG_LINE_BYTES,
               "the longest line fits");

/* What was logged by others for a client that left before there was an answer. */
#define STATUS_CLIENT_GONE 499u

struct line {
    char *out; /* PSV_ACCESS_LOG_LINE_BYTES */
    size_t len;
};

enum escaping { ESCAPE_HEX, ESCAPE_JSON };

static void put(struct line *line, struct psv_bytes text)
{
    INVARIANT(text.len <= PSV_ACCESS_LOG_LINE_BYTES - line->len);
    if (text.len != 0)
        memcpy(line->out + line->len, text.data, text.len);
    line->len += text.len;
}

#define PUT(line, literal) put((line), PSV_BYTES(literal))

static void put_u64(struct line *line, uint64_t value)
{
    char digits[20];
    put(line, (struct psv_bytes){digits, psv_format_u64(digits, value)});
}

static char digit_of(unsigned value)
{
    return (char)('0' + value % 10);
}

/* Milliseconds with three decimals. */
static void put_ms(struct line *line, uint64_t duration_ns)
{
    uint64_t us = duration_ns / PSV_NS_PER_US;
    unsigned rest = (unsigned)(us % 1000);
    char decimals[4] = {'.', digit_of(rest / 100), digit_of(rest / 10), digit_of(rest)};
    put_u64(line, us / 1000);
    put(line, (struct psv_bytes){decimals, sizeof(decimals)});
}

/* Length of the UTF-8 sequence at the start of text, or 0: malformed, overlong, a surrogate, or a C1 control
 * (a terminal would obey it). */
static size_t utf8_len(struct psv_bytes text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_bad = (at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xe0 && at[1] < 0xa0) ||
                  (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
                  (at[0] == 0xf4 && at[1] > 0x8f);
    return is_bad ? 0 : len;
}

/* Writes the escaped form of the first character to out (at most 6 bytes); *ret_used says how many bytes it
 * was. */
static size_t escape(struct psv_bytes text, enum escaping escaping, char out[6], size_t *ret_used)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t byte = (uint8_t)text.data[0];
    *ret_used = 1;
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    if (escaping == ESCAPE_HEX) {
        memcpy(out, "\\x", 2);
        out[2] = digits[byte >> 4];
        out[3] = digits[byte & 15];
        return 4;
    }
    size_t sequence = byte >= 0x80 ? utf8_len(text) : 0;
    if (sequence != 0) {
        *ret_used = sequence;
        memcpy(out, text.data, sequence);
        return sequence;
    }
    memcpy(out, "\\u00", 4);
    out[4] = digits[byte >> 4];
    out[5] = digits[byte & 15];
    return 6;
}

/* At most max bytes, escapes included; what is cut is shown by "...". */
static void put_escaped(struct line *line, struct psv_bytes text, enum escaping escaping, size_t max)
{
    size_t end = line->len + max - 3;
    while (text.len != 0) {
        char escaped[6];
        size_t used;
        size_t len = escape(text, escaping, escaped, &used);
        if (line->len + len > end) {
            PUT(line, "...");
            return;
        }
        put(line, (struct psv_bytes){escaped, len});
        text = psv_bytes_from(text, used);
    }
}

/* Only the milliseconds differ between most lines: the rest is kept for a second. */
static void put_time(struct psv_access_log *log, struct line *line, uint64_t unix_us)
{
    uint64_t unix_s = unix_us / PSV_US_PER_S;
    bool is_json = log->format == PSV_ACCESS_LOG_JSON;
    if (!log->has_second || log->second != unix_s) {
        if (is_json)
            psv_date_format_iso(log->time_text, (int64_t)unix_s * 1000);
        else
            psv_date_format_clf(log->time_text, (int64_t)unix_s);
        log->second = unix_s;
        log->has_second = true;
    }
    if (!is_json) {
        put(line, (struct psv_bytes){log->time_text, PSV_DATE_CLF_LEN});
        return;
    }
    unsigned ms = (unsigned)(unix_us % PSV_US_PER_S / 1000);
    char *decimals = log->time_text + PSV_DATE_ISO_LEN - 4; /* "000Z" */
    decimals[0] = digit_of(ms / 100);
    decimals[1] = digit_of(ms / 10);
    decimals[2] = digit_of(ms);
    put(line, (struct psv_bytes){log->time_text, PSV_DATE_ISO_LEN});
}

/* The name in Basic credentials, whether or not anybody has checked the password. */
static size_t user_of(const struct psv_exchange *exchange, char *out, size_t out_max)
{
    return psv_basic_user(psv_headers_value(&exchange->request.headers, PSV_FIELD_AUTHORIZATION), out,
                          out_max);
}

static unsigned status_of(const struct psv_exchange *exchange, bool is_aborted)
{
    if (exchange->is_answered)
        return exchange->response.status;
    return is_aborted ? STATUS_CLIENT_GONE : 0;
}

static void put_status(struct line *line, unsigned status)
{
    if (status == 0)
        PUT(line, "000");
    else
        put_u64(line, status);
}

/* "GET /path HTTP/1.1" without the quotes; "-" when the head never was complete. */
static void put_request_line(struct line *line, const struct psv_request *request)
{
    if (request->method_text.len == 0) {
        PUT(line, "-");
        return;
    }
    put_escaped(line, request->method_text, ESCAPE_HEX, METHOD_MAX);
    PUT(line, " ");
    put_escaped(line, request->target, ESCAPE_HEX, TARGET_MAX);
    PUT(line, " ");
    put(line, psv_bytes_of(psv_http_version_text(request->version)));
}

static void put_or_dash(struct line *line, struct psv_bytes text, size_t max)
{
    if (text.len == 0)
        PUT(line, "-");
    else
        put_escaped(line, text, ESCAPE_HEX, max);
}

static void put_user(struct line *line, const struct psv_exchange *exchange)
{
    char user[64];
    size_t len = user_of(exchange, user, sizeof(user));
    /* the field is delimited by blanks and has no quotes around it */
    for (size_t i = 0; i < len; i++) {
        if (user[i] == ' ')
            user[i] = '_';
    }
    put_or_dash(line, (struct psv_bytes){user, len}, USER_MAX);
}

static void put_common(struct psv_access_log *log, struct line *line, const struct psv_exchange *exchange,
                       bool is_aborted)
{
    put_or_dash(line, psv_bytes_of(exchange->peer.remote_address), REMOTE_MAX);
    PUT(line, " - ");
    put_user(line, exchange);
    PUT(line, " [");
    put_time(log, line, exchange->received_unix_us);
    PUT(line, "] \"");
    put_request_line(line, &exchange->request);
    PUT(line, "\" ");
    put_status(line, status_of(exchange, is_aborted));
    PUT(line, " ");
    if (exchange->bytes_sent == 0)
        PUT(line, "-");
    else
        put_u64(line, exchange->bytes_sent);
}

static void put_combined(struct line *line, const struct psv_exchange *exchange)
{
    PUT(line, " \"");
    put_or_dash(line, psv_headers_value(&exchange->request.headers, PSV_FIELD_REFERER), REFERER_MAX);
    PUT(line, "\" \"");
    put_or_dash(line, psv_headers_value(&exchange->request.headers, PSV_FIELD_USER_AGENT), USER_AGENT_MAX);
    PUT(line, "\"");
}

/* ,"key":"text" or ,"key":null */
static void put_member(struct line *line, struct psv_bytes key, struct psv_bytes text, size_t max)
{
    PUT(line, ",\"");
    put(line, key);
    if (text.len == 0) {
        PUT(line, "\":null");
        return;
    }
    PUT(line, "\":\"");
    put_escaped(line, text, ESCAPE_JSON, max);
    PUT(line, "\"");
}

/* The worker's part.  Its times may be read once its response is complete and was not thrown away: otherwise
 * it may be running still and write them (see exec/job.h). */
static void put_worker(struct line *line, const struct psv_exchange *exchange)
{
    struct psv_job *job = exchange->job;
    if (job == NULL)
        return;
    unsigned worker =
        atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed); /* a number, guards nothing */
    if (worker != 0) {
        PUT(line, ",\"worker\":");
        put_u64(line, worker - 1);
    }
    if (!exchange->is_complete || atomic_load_explicit(&job->is_gone, memory_order_relaxed))
        return;
    if (job->started_ns >= job->queued_ns && job->started_ns != 0) {
        PUT(line, ",\"queue_ms\":");
        put_ms(line, job->started_ns - job->queued_ns);
    }
    uint64_t responded_ns = atomic_load_explicit(&job->responded_ns, memory_order_relaxed); /* a number */
    if (responded_ns >= job->started_ns && responded_ns != 0) {
        PUT(line, ",\"php_ms\":");
        put_ms(line, responded_ns - job->started_ns);
    }
}

static void put_json(struct psv_access_log *log, struct line *line, const struct psv_exchange *exchange,
                     uint64_t now_ns, bool is_aborted)
{
    const struct psv_request *request = &exchange->request;
    char user[64];
    size_t user_len = user_of(exchange, user, sizeof(user));
    PUT(line, "{\"ts\":\"");
    put_time(log, line, exchange->received_unix_us);
    PUT(line, "\"");
    put_member(line, PSV_BYTES("request_id"), psv_bytes_of(exchange->request_id), REQUEST_ID_MAX);
    if (exchange->trace != NULL) {
        put_member(line, PSV_BYTES("trace_id"), psv_bytes_of(exchange->trace->span.trace_id),
                   PSV_TRACE_ID_LEN + CUT_MARK);
        put_member(line, PSV_BYTES("span_id"), psv_bytes_of(exchange->trace->span.span_id),
                   PSV_SPAN_ID_LEN + CUT_MARK);
        if (exchange->trace->parent_id[0] != '\0')
            put_member(line, PSV_BYTES("parent_id"), psv_bytes_of(exchange->trace->parent_id),
                       PSV_SPAN_ID_LEN + CUT_MARK);
    }
    put_member(line, PSV_BYTES("remote"), psv_bytes_of(exchange->peer.remote_address), REMOTE_MAX);
    if (user_len != 0)
        put_member(line, PSV_BYTES("user"), (struct psv_bytes){user, user_len}, USER_MAX);
    put_member(line, PSV_BYTES("method"), request->method_text, METHOD_MAX);
    put_member(line, PSV_BYTES("target"), request->target, TARGET_MAX);
    put_member(line, PSV_BYTES("protocol"), psv_bytes_of(psv_http_version_text(request->version)),
               PROTOCOL_MAX);
    PUT(line, ",\"status\":");
    put_u64(line, status_of(exchange, is_aborted));
    PUT(line, ",\"bytes\":");
    put_u64(line, exchange->bytes_sent);
    PUT(line, ",\"duration_ms\":");
    put_ms(line, now_ns > exchange->received_ns ? now_ns - exchange->received_ns : 0);
    put_worker(line, exchange);
    put_member(line, PSV_BYTES("user_agent"), psv_headers_value(&request->headers, PSV_FIELD_USER_AGENT),
               USER_AGENT_MAX);
    put_member(line, PSV_BYTES("referer"), psv_headers_value(&request->headers, PSV_FIELD_REFERER),
               REFERER_MAX);
    if (exchange->refusal != NULL)
        put_member(line, PSV_BYTES("refusal"), psv_bytes_of(exchange->refusal), REFUSAL_MAX);
    PUT(line, ",\"aborted\":");
    put(line, is_aborted ? PSV_BYTES("true") : PSV_BYTES("false"));
    PUT(line, "}");
}

void psv_access_log_init(struct psv_access_log *log, bool is_enabled, enum psv_access_log_format format)
{
    *log = (struct psv_access_log){.is_enabled = is_enabled, .format = format};
}

size_t psv_access_log_line(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                           bool is_aborted, char *out)
{
    struct line line = {.out = out};
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
    case PSV_ACCESS_LOG_FORMAT_COUNT:
        UNREACHABLE("no such format");
    }
    return line.len;
}

void psv_access_log_end(struct psv_access_log *log, const struct psv_exchange *exchange, uint64_t now_ns,
                        bool is_aborted)
{
    if (!log->is_enabled)
        return;
    char out[PSV_ACCESS_LOG_LINE_BYTES];
    size_t len = psv_access_log_line(log, exchange, now_ns, is_aborted, out);
    psv_log_access((struct psv_bytes){out, len});
}
