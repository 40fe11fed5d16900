/* All metrics in one place: families (name, type, help), their series, and histograms.  Series of one family
 * stand together, in the family table's order.  Data only; included by metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/* F(FAMILY, TYPE, name, help) */
#define PSV_METRIC_FAMILY_TABLE(F)                                                                           \
    F(CONNECTIONS_ACCEPTED, COUNTER, "phpsrv_connections_accepted_total", "Connections accepted.")           \
    F(CONNECTIONS, GAUGE, "phpsrv_connections", "Connections that are open now.")                            \
    F(CONNECTIONS_CLOSED, COUNTER, "phpsrv_connections_closed_total",                                        \
      "Connections closed, by what ended them.")                                                             \
    F(REQUESTS, COUNTER, "phpsrv_requests_total", "Requests whose header was read, by method.")              \
    F(RESPONSES, COUNTER, "phpsrv_responses_total", "Responses begun, by class of status.")                  \
    F(REFUSED, COUNTER, "phpsrv_refused_requests_total",                                                     \
      "Requests that the server itself refused, by status.")                                                 \
    F(PARSER_ERRORS, COUNTER, "phpsrv_parser_errors_total", "Requests that were no valid HTTP.")             \
    F(HTTP2_CONNECTIONS, COUNTER, "phpsrv_http2_connections_total", "Connections that speak HTTP/2.")        \
    F(HTTP2_ABUSE, COUNTER, "phpsrv_http2_abuse_total",                                                      \
      "HTTP/2 connections ended (stall: streams reset) for abuse, by kind.")                                 \
    F(TLS_HANDSHAKES, COUNTER, "phpsrv_tls_handshakes_total", "TLS handshakes, by what came of them.")       \
    F(TLS_RESUMED, COUNTER, "phpsrv_tls_resumptions_total", "TLS handshakes that resumed a session.")        \
    F(TLS_RELOADS, COUNTER, "phpsrv_tls_reloads_total", "Changed certificates, by what came of them.")       \
    F(TLS_CERTIFICATE_EXPIRY, GAUGE, "phpsrv_tls_certificate_expiry_timestamp_seconds",                      \
      "When the first of the certificates runs out; 0: there is none.")                                      \
    F(PROXY_HEADERS, COUNTER, "phpsrv_proxy_headers_total", "Headers of the PROXY protocol.")                \
    F(TIMEOUTS, COUNTER, "phpsrv_timeouts_total", "Timeouts, by what was waited for.")                       \
    F(CLIENT_ABORTS, COUNTER, "phpsrv_client_aborts_total",                                                  \
      "Clients that left, by what their request was doing.")                                                 \
    F(RECEIVED_BYTES, COUNTER, "phpsrv_received_bytes_total", "Bytes read from clients.")                    \
    F(SENT_BYTES, COUNTER, "phpsrv_sent_bytes_total", "Bytes written to clients.")                           \
    F(RESPONSE_HELD_BYTES, GAUGE, "phpsrv_response_held_bytes",                                              \
      "Response bodies that wait for their clients (small ones not counted).")                               \
    F(RESPONSE_SPILLED, COUNTER, "phpsrv_response_spilled_total",                                            \
      "Response bodies put into files because too many waited.")                                             \
    F(QUEUE_DEPTH, GAUGE, "phpsrv_queue_depth", "Requests that wait for a worker now.")                      \
    F(QUEUE_CAPACITY, GAUGE, "phpsrv_queue_capacity", "Requests that may wait for a worker.")                \
    F(QUEUE_REJECTED, COUNTER, "phpsrv_queue_rejected_total",                                                \
      "Requests answered with 503: the queue was full.")                                                     \
    F(SERVER_GENERATION, GAUGE, "phpsrv_server_generation",                                                  \
      "How many servers the supervisor has started, this one included; 0: there is no supervisor.")          \
    F(RATE_EVICTIONS, COUNTER, "phpsrv_rate_limit_evictions_total",                                          \
      "Clients forgotten by the rate limit while they still owed something: its table is too small.")        \
    F(SERVER_CRASHES, COUNTER, "phpsrv_server_crashes_total",                                                \
      "Servers that have crashed since the supervisor started.")                                             \
    F(READY, GAUGE, "phpsrv_ready", "1: /ready says 200; 0: the server drains, or PHP is blocked.")          \
    F(WORKERS, GAUGE, "phpsrv_workers", "Worker threads that are alive, by state.")                          \
    F(WORKERS_CONFIGURED, GAUGE, "phpsrv_workers_configured", "Worker threads that there should be.")        \
    F(WORKER_STARTS, COUNTER, "phpsrv_worker_starts_total", "Worker threads started.")                       \
    F(WORKER_RESTARTS, COUNTER, "phpsrv_worker_restarts_total",                                              \
      "Worker threads started in place of a broken one.")                                                    \
    F(WORKER_RECYCLES, COUNTER, "phpsrv_worker_recycles_total",                                              \
      "Worker threads replaced by plan, after workers.max_requests.")                                        \
    F(WORKERS_GIVEN_UP, COUNTER, "phpsrv_workers_given_up_total",                                            \
      "Worker threads that did not come back from a script and were left behind.")                           \
    F(STATIC_REQUESTS, COUNTER, "phpsrv_static_requests_total", "Requests answered from a file.")            \
    F(STATIC_CACHE, COUNTER, "phpsrv_static_cache_lookups_total", "Look-ups in the cache of open files.")    \
    F(STATIC_ENCODINGS, COUNTER, "phpsrv_static_encodings_total",                                            \
      "Compressed copies of files made, by what came of them.")                                              \
    F(STATIC_ENCODED_BYTES, GAUGE, "phpsrv_static_encoded_bytes", "Memory of compressed copies of files.")   \
    F(LOG_DROPPED, COUNTER, "phpsrv_log_dropped_total", "Log lines dropped: the ring was full.")

/* X(ID, FAMILY, label, value); label and value are NULL for a family of one series.
 * Reasons of a connection's end: client = it closed between requests; server = after a response that said
 * close; timeout = any of the timeouts; abort = it closed within a request or response; error = protocol or
 * socket error; limit = too many connections; drain = the server stops. */
#define PSV_METRIC_TABLE(X)                                                                                  \
    X(CONNECTIONS_ACCEPTED, CONNECTIONS_ACCEPTED, NULL, NULL)                                                \
    X(CONNECTIONS_ACTIVE, CONNECTIONS, NULL, NULL)                                                           \
    X(CONNECTIONS_CLOSED_CLIENT, CONNECTIONS_CLOSED, "reason", "client")                                     \
    X(CONNECTIONS_CLOSED_SERVER, CONNECTIONS_CLOSED, "reason", "server")                                     \
    X(CONNECTIONS_CLOSED_TIMEOUT, CONNECTIONS_CLOSED, "reason", "timeout")                                   \
    X(CONNECTIONS_CLOSED_ABORT, CONNECTIONS_CLOSED, "reason", "abort")                                       \
    X(CONNECTIONS_CLOSED_ERROR, CONNECTIONS_CLOSED, "reason", "error")                                       \
    X(CONNECTIONS_CLOSED_LIMIT, CONNECTIONS_CLOSED, "reason", "limit")                                       \
    X(CONNECTIONS_CLOSED_DRAIN, CONNECTIONS_CLOSED, "reason", "drain")                                       \
    X(REQUESTS_GET, REQUESTS, "method", "GET")                                                               \
    X(REQUESTS_HEAD, REQUESTS, "method", "HEAD")                                                             \
    X(REQUESTS_POST, REQUESTS, "method", "POST")                                                             \
    X(REQUESTS_PUT, REQUESTS, "method", "PUT")                                                               \
    X(REQUESTS_PATCH, REQUESTS, "method", "PATCH")                                                           \
    X(REQUESTS_DELETE, REQUESTS, "method", "DELETE")                                                         \
    X(REQUESTS_OPTIONS, REQUESTS, "method", "OPTIONS")                                                       \
    X(REQUESTS_QUERY, REQUESTS, "method", "QUERY")                                                           \
    X(REQUESTS_TRACE, REQUESTS, "method", "TRACE")                                                           \
    X(REQUESTS_CONNECT, REQUESTS, "method", "CONNECT")                                                       \
    X(REQUESTS_OTHER, REQUESTS, "method", "OTHER")                                                           \
    X(RESPONSES_1XX, RESPONSES, "class", "1xx")                                                              \
    X(RESPONSES_2XX, RESPONSES, "class", "2xx")                                                              \
    X(RESPONSES_3XX, RESPONSES, "class", "3xx")                                                              \
    X(RESPONSES_4XX, RESPONSES, "class", "4xx")                                                              \
    X(RESPONSES_5XX, RESPONSES, "class", "5xx")                                                              \
    X(REFUSED_400, REFUSED, "status", "400")                                                                 \
    X(REFUSED_403, REFUSED, "status", "403")                                                                 \
    X(REFUSED_404, REFUSED, "status", "404")                                                                 \
    X(REFUSED_405, REFUSED, "status", "405")                                                                 \
    X(REFUSED_408, REFUSED, "status", "408")                                                                 \
    X(REFUSED_413, REFUSED, "status", "413")                                                                 \
    X(REFUSED_414, REFUSED, "status", "414")                                                                 \
    X(REFUSED_417, REFUSED, "status", "417")                                                                 \
    X(REFUSED_421, REFUSED, "status", "421")                                                                 \
    X(REFUSED_429, REFUSED, "status", "429")                                                                 \
    X(REFUSED_431, REFUSED, "status", "431")                                                                 \
    X(REFUSED_500, REFUSED, "status", "500")                                                                 \
    X(REFUSED_501, REFUSED, "status", "501")                                                                 \
    X(REFUSED_503, REFUSED, "status", "503")                                                                 \
    X(REFUSED_504, REFUSED, "status", "504")                                                                 \
    X(REFUSED_505, REFUSED, "status", "505")                                                                 \
    X(REFUSED_OTHER, REFUSED, "status", "other")                                                             \
    X(PARSER_ERRORS, PARSER_ERRORS, NULL, NULL)                                                              \
    X(HTTP2_CONNECTIONS, HTTP2_CONNECTIONS, NULL, NULL)                                                      \
    X(HTTP2_ABUSE_RESET, HTTP2_ABUSE, "kind", "reset")                                                       \
    X(HTTP2_ABUSE_SETTINGS, HTTP2_ABUSE, "kind", "settings")                                                 \
    X(HTTP2_ABUSE_PING, HTTP2_ABUSE, "kind", "ping")                                                         \
    X(HTTP2_ABUSE_PRIORITY, HTTP2_ABUSE, "kind", "priority")                                                 \
    X(HTTP2_ABUSE_WINDOW, HTTP2_ABUSE, "kind", "window_update")                                              \
    X(HTTP2_ABUSE_EMPTY, HTTP2_ABUSE, "kind", "empty")                                                       \
    X(HTTP2_ABUSE_CONTINUATION, HTTP2_ABUSE, "kind", "continuation")                                         \
    X(HTTP2_ABUSE_HEADERS, HTTP2_ABUSE, "kind", "headers")                                                   \
    X(HTTP2_ABUSE_UNREAD, HTTP2_ABUSE, "kind", "unread")                                                     \
    X(HTTP2_ABUSE_STALL, HTTP2_ABUSE, "kind", "stall")                                                       \
    X(TLS_HANDSHAKES_12, TLS_HANDSHAKES, "result", "TLSv1.2")                                                \
    X(TLS_HANDSHAKES_13, TLS_HANDSHAKES, "result", "TLSv1.3")                                                \
    X(TLS_HANDSHAKES_FAILED, TLS_HANDSHAKES, "result", "failed")                                             \
    X(TLS_RESUMED, TLS_RESUMED, NULL, NULL)                                                                  \
    X(TLS_RELOADS_DONE, TLS_RELOADS, "result", "done")                                                       \
    X(TLS_RELOADS_FAILED, TLS_RELOADS, "result", "failed")                                                   \
    X(TLS_CERTIFICATE_EXPIRY, TLS_CERTIFICATE_EXPIRY, NULL, NULL)                                            \
    X(PROXY_HEADERS_TAKEN, PROXY_HEADERS, "result", "taken")                                                 \
    X(PROXY_HEADERS_REFUSED, PROXY_HEADERS, "result", "refused")                                             \
    X(TIMEOUTS_HEADER, TIMEOUTS, "kind", "header")                                                           \
    X(TIMEOUTS_BODY, TIMEOUTS, "kind", "body")                                                               \
    X(TIMEOUTS_KEEPALIVE, TIMEOUTS, "kind", "keepalive")                                                     \
    X(TIMEOUTS_WRITE, TIMEOUTS, "kind", "write")                                                             \
    X(TIMEOUTS_REQUEST, TIMEOUTS, "kind", "request")                                                         \
    X(CLIENT_ABORTS_QUEUED, CLIENT_ABORTS, "stage", "queued")                                                \
    X(CLIENT_ABORTS_RUNNING, CLIENT_ABORTS, "stage", "running")                                              \
    X(CLIENT_ABORTS_SENDING, CLIENT_ABORTS, "stage", "sending")                                              \
    X(BYTES_RECEIVED, RECEIVED_BYTES, NULL, NULL)                                                            \
    X(BYTES_SENT, SENT_BYTES, NULL, NULL)                                                                    \
    X(RESPONSE_HELD_BYTES, RESPONSE_HELD_BYTES, NULL, NULL)                                                  \
    X(RESPONSE_SPILLED, RESPONSE_SPILLED, NULL, NULL)                                                        \
    X(QUEUE_DEPTH, QUEUE_DEPTH, NULL, NULL)                                                                  \
    X(QUEUE_CAPACITY, QUEUE_CAPACITY, NULL, NULL)                                                            \
    X(QUEUE_REJECTED, QUEUE_REJECTED, NULL, NULL)                                                            \
    X(SERVER_GENERATION, SERVER_GENERATION, NULL, NULL)                                                      \
    X(RATE_EVICTIONS, RATE_EVICTIONS, NULL, NULL)                                                            \
    X(SERVER_CRASHES, SERVER_CRASHES, NULL, NULL)                                                            \
    X(READY, READY, NULL, NULL)                                                                              \
    X(WORKERS_BUSY, WORKERS, "state", "busy")                                                                \
    X(WORKERS_IDLE, WORKERS, "state", "idle")                                                                \
    X(WORKERS_TOTAL, WORKERS_CONFIGURED, NULL, NULL)                                                         \
    X(WORKERS_STARTED, WORKER_STARTS, NULL, NULL)                                                            \
    X(WORKERS_RESTARTED, WORKER_RESTARTS, NULL, NULL)                                                        \
    X(WORKERS_RECYCLED, WORKER_RECYCLES, NULL, NULL)                                                         \
    X(WORKERS_GIVEN_UP, WORKERS_GIVEN_UP, NULL, NULL)                                                        \
    X(STATIC_REQUESTS, STATIC_REQUESTS, NULL, NULL)                                                          \
    X(STATIC_CACHE_HITS, STATIC_CACHE, "result", "hit")                                                      \
    X(STATIC_CACHE_MISSES, STATIC_CACHE, "result", "miss")                                                   \
    X(STATIC_ENCODINGS_KEPT, STATIC_ENCODINGS, "result", "kept")                                             \
    X(STATIC_ENCODINGS_USELESS, STATIC_ENCODINGS, "result", "useless")                                       \
    X(STATIC_ENCODED_BYTES, STATIC_ENCODED_BYTES, NULL, NULL)                                                \
    X(LOG_DROPPED, LOG_DROPPED, NULL, NULL)

/* H(ID, name, help) */
#define PSV_HISTOGRAM_TABLE(H)                                                                               \
    H(REQUEST_DURATION, "phpsrv_request_duration_seconds",                                                   \
      "From the first byte of a request to the end of its answer.")                                          \
    H(QUEUE_WAIT, "phpsrv_queue_wait_seconds", "Time that requests waited for a worker.")                    \
    H(WORKER_RUN, "phpsrv_worker_run_seconds", "Time that workers spent on a request.")

/* B(nanoseconds, text): upper bounds of the histograms' buckets; +Inf follows by itself. */
#define PSV_HISTOGRAM_BUCKET_TABLE(B)                                                                        \
    B(100000, "0.0001")                                                                                      \
    B(250000, "0.00025")                                                                                     \
    B(500000, "0.0005")                                                                                      \
    B(1000000, "0.001")                                                                                      \
    B(2500000, "0.0025")                                                                                     \
    B(5000000, "0.005")                                                                                      \
    B(10000000, "0.01")                                                                                      \
    B(25000000, "0.025")                                                                                     \
    B(50000000, "0.05")                                                                                      \
    B(100000000, "0.1")                                                                                      \
    B(250000000, "0.25")                                                                                     \
    B(500000000, "0.5")                                                                                      \
    B(1000000000, "1")                                                                                       \
    B(2500000000, "2.5")                                                                                     \
    B(5000000000, "5")                                                                                       \
    B(10000000000, "10")                                                                                     \
    B(30000000000, "30")                                                                                     \
    B(60000000000, "60")

enum psv_metric_family {
#define F(family, type, name, help) PSV_METRIC_FAMILY_##family,
    PSV_METRIC_FAMILY_TABLE(F)
#undef F
        PSV_METRIC_FAMILY_COUNT
};

enum psv_metric_id {
#define X(id, family, label, value) PSV_METRIC_##id,
    PSV_METRIC_TABLE(X)
#undef X
        PSV_METRIC_COUNT
};

enum psv_histogram_id {
#define H(id, name, help) PSV_HISTOGRAM_##id,
    PSV_HISTOGRAM_TABLE(H)
#undef H
        PSV_HISTOGRAM_COUNT
};
