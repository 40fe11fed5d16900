/* See access_log_caddy.h.
 *
 * SPDX-License-Identifier: MIT */
#include "access_log_caddy.h"

#include "exec/exchange.h"
#include "filter/access_line.h"
#include "filter/access_variables.h"
#include "filter/exchange_times.h"
#include "os/clock.h"

/* Longest texts, after escaping; see access_log.c. */
enum {
    REQUEST_ID_MAX = PSV_REQUEST_ID_MAX + PSV_ACCESS_CUT_MARK,
    REMOTE_MAX = 52, /* twice in a line */
    USER_MAX = 72,
    METHOD_MAX = 32,
    HOST_MAX = 200,
    TARGET_MAX = 632,
    REFERER_MAX = 200,
    USER_AGENT_MAX = 200,
    REST_MAX = 440, /* names, punctuation, time and numbers */
};
_Static_assert(REQUEST_ID_MAX + 2 * REMOTE_MAX + USER_MAX + METHOD_MAX + HOST_MAX + TARGET_MAX + REFERER_MAX +
                       USER_AGENT_MAX + REST_MAX <=
                   PSV_ACCESS_LOG_CADDY_BYTES,
               "the longest line fits");

#define PUT(line, literal) PSV_ACCESS_PUT((line), literal)

static void put_text(struct psv_access_line *line, struct psv_bytes key, struct psv_bytes text, size_t max)
{
    psv_access_line_put(line, key);
    PUT(line, "\"");
    psv_access_line_put_escaped(line, text, PSV_ACCESS_ESCAPE_JSON, max);
    PUT(line, "\"");
}

#define PUT_TEXT(line, key, text, max) put_text((line), PSV_BYTES(key), (text), (max))

/* Go names HTTP/2 with a minor number. */
static struct psv_bytes protocol_of(enum psv_http_version version)
{
    return version == PSV_HTTP_2 ? PSV_BYTES("HTTP/2.0") : psv_bytes_of(psv_http_version_text(version));
}

static void put_request(struct psv_access_line *line, const struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;
    struct psv_bytes remote = psv_bytes_of(exchange->peer.remote_address);
    struct psv_bytes agent = psv_headers_value(&request->headers, PSV_FIELD_USER_AGENT);
    struct psv_bytes referer = psv_headers_value(&request->headers, PSV_FIELD_REFERER);

    PUT_TEXT(line, ",\"request\":{\"remote_ip\":", remote, REMOTE_MAX);
    PUT(line, ",\"remote_port\":\"");
    psv_access_line_put_u64(line, exchange->peer.remote_port);
    PUT(line, "\"");
    PUT_TEXT(line, ",\"client_ip\":", remote, REMOTE_MAX);
    PUT(line, ",\"proto\":\"");
    psv_access_line_put(line, protocol_of(request->version));
    PUT(line, "\"");
    PUT_TEXT(line, ",\"method\":", request->method_text, METHOD_MAX);
    PUT_TEXT(line, ",\"host\":", request->authority, HOST_MAX);
    PUT_TEXT(line, ",\"uri\":", request->target, TARGET_MAX);
    PUT(line, ",\"headers\":{");
    if (agent.len > 0) {
        PUT_TEXT(line, "\"User-Agent\":[", agent, USER_AGENT_MAX);
        PUT(line, "]");
    }
    if (referer.len > 0) {
        put_text(line, agent.len > 0 ? PSV_BYTES(",\"Referer\":[") : PSV_BYTES("\"Referer\":["), referer,
                 REFERER_MAX);
        PUT(line, "]");
    }
    PUT(line, "}}");
}

/* Seconds with a fraction, as Caddy's "ts". */
static void put_unix_time(struct psv_access_line *line, uint64_t unix_us)
{
    psv_access_line_put_u64(line, unix_us / PSV_US_PER_S);
    PUT(line, ".");
    for (uint64_t divisor = PSV_US_PER_S / 10; divisor > 0; divisor /= 10) {
        const char digit = (char)('0' + unix_us / divisor % 10);
        psv_access_line_put(line, (struct psv_bytes){&digit, 1});
    }
}

void psv_access_log_caddy(const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted,
                          struct psv_access_line *line)
{
    struct psv_exchange_times times;
    unsigned status = psv_access_status(exchange, is_aborted);
    char user[64];
    size_t user_len = psv_access_basic_user(exchange, user, sizeof(user));

    psv_exchange_times_get(exchange, now_ns, &times);
    psv_access_line_put(line, status >= 500 ? PSV_BYTES("{\"level\":\"error\",\"ts\":")
                                            : PSV_BYTES("{\"level\":\"info\",\"ts\":"));
    put_unix_time(line, exchange->received_unix_us);
    PUT(line, ",\"logger\":\"http.log.access\",\"msg\":\"handled request\"");
    put_request(line, exchange);
    PUT_TEXT(line, ",\"user_id\":", ((struct psv_bytes){user, user_len}), USER_MAX);
    PUT(line, ",\"duration\":");
    psv_access_line_put_seconds(line, times.total_ns);
    PUT(line, ",\"size\":");
    psv_access_line_put_u64(line, exchange->bytes_sent);
    PUT(line, ",\"status\":");
    psv_access_line_put_u64(line, status);
    PUT_TEXT(line, ",\"request_id\":", psv_bytes_of(exchange->request_id), REQUEST_ID_MAX);
    PUT(line, "}");
}
