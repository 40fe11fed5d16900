/* The variables of the access log's own format: one table, and the value of each for an exchange that is
 * over. [loop]; the table is const.  Not for other folders.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "filter/access_format.h"
#include "http/field.h"

/* V(ID, name, form, least bytes, most bytes).  Least = most: numbers and other texts of the server's own,
 * which are never cut; else: texts of clients, which share what the line has left. */
#define PSV_ACCESS_VARIABLE_TABLE(V)                                                                         \
    V(REMOTE_ADDR, "remote_addr", OWN, 46, 46)                                                               \
    V(REMOTE_PORT, "remote_port", NUMBER, 5, 5)                                                              \
    V(REMOTE_USER, "remote_user", FUNCTION, 16, 72)                                                          \
    V(SERVER_ADDR, "server_addr", OWN, 46, 46)                                                               \
    V(SERVER_PORT, "server_port", NUMBER, 5, 5)                                                              \
    V(SERVER_NAME, "server_name", TEXT, 16, 256)                                                             \
    V(SITE, "site", TEXT, 16, 64)                                                                            \
    V(SERVER_PROTOCOL, "server_protocol", OWN, 8, 8)                                                         \
    V(HOST, "host", TEXT, 16, 256)                                                                           \
    V(SCHEME, "scheme", OWN, 5, 5)                                                                           \
    V(TIME_LOCAL, "time_local", FUNCTION, 26, 26)                                                            \
    V(TIME_ISO8601, "time_iso8601", FUNCTION, 24, 24)                                                        \
    V(MSEC, "msec", NUMBER, 18, 18)                                                                          \
    V(REQUEST, "request", FUNCTION, 64, 784)                                                                 \
    V(REQUEST_METHOD, "request_method", TEXT, 8, 32)                                                         \
    V(REQUEST_URI, "request_uri", TEXT, 32, 728)                                                             \
    V(REQUEST_LENGTH, "request_length", NUMBER, 20, 20)                                                      \
    V(REQUEST_COMPLETION, "request_completion", OWN, 2, 2)                                                   \
    V(REQUEST_ID, "request_id", OWN, 64, 64)                                                                 \
    V(URI, "uri", TEXT, 32, 728)                                                                             \
    V(ARGS, "args", TEXT, 16, 728)                                                                           \
    V(QUERY_STRING, "query_string", TEXT, 16, 728)                                                           \
    V(STATUS, "status", NUMBER, 3, 3)                                                                        \
    V(BODY_BYTES_SENT, "body_bytes_sent", NUMBER, 20, 20)                                                    \
    V(BYTES_SENT, "bytes_sent", NUMBER, 20, 20)                                                              \
    V(REQUEST_TIME, "request_time", TIME, 18, 18)                                                            \
    V(READ_TIME, "read_time", TIME, 18, 18)                                                                  \
    V(QUEUE_TIME, "queue_time", TIME, 18, 18)                                                                \
    V(PHP_TIME, "php_time", TIME, 18, 18)                                                                    \
    V(SEND_TIME, "send_time", TIME, 18, 18)                                                                  \
    V(TRACE_ID, "trace_id", TRACE, 32, 32)                                                                   \
    V(SPAN_ID, "span_id", TRACE, 16, 16)                                                                     \
    V(PARENT_ID, "parent_id", TRACE, 16, 16)                                                                 \
    V(SSL_PROTOCOL, "ssl_protocol", OWN, 16, 16)                                                             \
    V(SSL_CIPHER, "ssl_cipher", OWN, 64, 64)                                                                 \
    V(SSL_SERVER_NAME, "ssl_server_name", TEXT, 16, 256)                                                     \
    V(WORKER, "worker", FUNCTION, 20, 20)                                                                    \
    V(SCRIPT, "script", TEXT, 32, 256)                                                                       \
    V(REFUSAL, "refusal", OWN, 64, 64)                                                                       \
    V(MEMORY_PEAK, "memory_peak", FUNCTION, 20, 20)                                                          \
    V(CPU_TIME, "cpu_time", FUNCTION, 18, 18)                                                                \
    V(HTTP_FIELD, "http_", FUNCTION, 16, 512)                                                                \
    V(SENT_FIELD, "sent_http_", FUNCTION, 16, 512)

enum psv_access_variable {
    PSV_ACCESS_LITERAL,
#define V(id, name, form, least, most) PSV_ACCESS_##id,
    PSV_ACCESS_VARIABLE_TABLE(V)
#undef V
        PSV_ACCESS_VARIABLE_COUNT
};

struct psv_access_piece {
    enum psv_access_variable variable;
    enum psv_field_id field_id; /* of HTTP_FIELD and SENT_FIELD; UNKNOWN: text is its name */
    struct psv_bytes text;      /* of a literal; of the two above: "user-agent" */
    size_t most;                /* bytes that it may take, when there is room */
    size_t rest;                /* bytes that are kept for the pieces behind it */
};

/** One rendering: what several variables need is found once. */
struct psv_access_values {
    const struct psv_exchange *exchange;
    const struct psv_access_facts *facts;
    enum psv_access_escaping escaping;
};

/** Appends the value of the piece's variable, at most max bytes. */
void psv_access_variable_put(struct psv_access_line *line, const struct psv_access_values *values,
                             const struct psv_access_piece *piece, size_t max);
/** The user of Basic credentials (RFC 7617 2): decoded up to the colon, never the password.  Its length, 0
 * when there is none. */
size_t psv_access_basic_user(const struct psv_exchange *exchange, char *out, size_t out_max);
/** The status that is logged: 499 for a client that left before there was one, 0 for none. */
unsigned psv_access_status(const struct psv_exchange *exchange, bool is_aborted);
