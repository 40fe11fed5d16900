/* All metrics in one place: families (name, type, help), their series, histograms, and what is counted for
 * each site.  Series of one family stand together, in the family table's order.  Data only; included by
 * metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/* F(FAMILY, TYPE, name, help).  TYPE: COUNTER, GAUGE, or COUNTER_NS: counted in nanoseconds, shown in
 * seconds. */
#define PSV_METRIC_FAMILY_TABLE(F)                                                                           \
    F(CONNECTIONS_ACCEPTED, COUNTER, "phpsrv_connections_accepted_total", "Connections accepted.")           \
    F(CONNECTIONS, GAUGE, "phpsrv_connections", "Connections that are open now.")                            \
    F(CONNECTIONS_CLOSED, COUNTER, "phpsrv_connections_closed_total",                                        \
      "Connections closed, by what ended them.")                                                             \
    F(CLIENT_CONNECTIONS_REFUSED, COUNTER, "phpsrv_client_connections_refused_total",                        \
      "Connections refused because their client had too many.")                                              \
    F(REFUSED, COUNTER, "phpsrv_refused_requests_total",                                                     \
      "Requests that the server itself refused, by status.")                                                 \
    F(PARSER_ERRORS, COUNTER, "phpsrv_parser_errors_total", "Requests that were no valid HTTP.")             \
    F(HTTP2_CONNECTIONS, COUNTER, "phpsrv_http2_connections_total", "Connections that speak HTTP/2.")        \
    F(HTTP2_OPEN, GAUGE, "phpsrv_http2_connections_open", "Connections that speak HTTP/2 now.")              \
    F(HTTP2_STREAMS, COUNTER, "phpsrv_http2_streams_total", "HTTP/2 streams begun.")                         \
    F(HTTP2_STREAMS_OPEN, GAUGE, "phpsrv_http2_streams_open", "HTTP/2 streams that are open now.")           \
    F(HTTP2_RESETS, COUNTER, "phpsrv_http2_resets_total", "HTTP/2 streams reset, by who did it.")            \
    F(HTTP2_GOAWAYS, COUNTER, "phpsrv_http2_goaways_total", "HTTP/2 GOAWAY frames, by who sent them.")       \
    F(HTTP2_ABUSE, COUNTER, "phpsrv_http2_abuse_total",                                                      \
      "HTTP/2 connections ended (stall: streams reset) for abuse, by kind.")                                 \
    F(TLS_HANDSHAKES, COUNTER, "phpsrv_tls_handshakes_total", "TLS handshakes, by what came of them.")       \
    F(TLS_FAILURES, COUNTER, "phpsrv_tls_handshake_failures_total",                                          \
      "TLS handshakes that failed, by reason.")                                                              \
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
      "Requests answered with 503 because no worker was to be had, by reason.")                              \
    F(SERVER_GENERATION, GAUGE, "phpsrv_server_generation",                                                  \
      "How many servers the supervisor has started, this one included; 0: there is no supervisor.")          \
    F(RATE_EVICTIONS, COUNTER, "phpsrv_rate_limit_evictions_total",                                          \
      "Clients forgotten by the rate limit while they still owed something: its table is too small.")        \
    F(BASIC_AUTH, COUNTER, "phpsrv_basic_auth_requests_total",                                               \
      "Requests for paths that need a password, by what came of it.")                                        \
    F(CORS_PREFLIGHTS, COUNTER, "phpsrv_cors_preflights_total",                                              \
      "Preflight requests answered, by whether their origin is allowed.")                                    \
    F(SERVER_CRASHES, COUNTER, "phpsrv_server_crashes_total",                                                \
      "Servers that have crashed since the supervisor started.")                                             \
    F(READY, GAUGE, "phpsrv_ready", "1: /ready says 200; 0: the server drains, or PHP is blocked.")          \
    F(RELOADS, COUNTER, "phpsrv_reloads_total",                                                              \
      "Reloads since the supervisor started, by what came of them.")                                         \
    F(RELOAD_SUCCESSFUL, GAUGE, "phpsrv_last_reload_successful",                                             \
      "1: the last reload was successful, or there was none; 0: it failed.")                                 \
    F(RELOAD_TIME, GAUGE, "phpsrv_last_reload_success_timestamp_seconds",                                    \
      "When the last successful reload was done; 0: there was none.")                                        \
    F(WORKERS, GAUGE, "phpsrv_workers",                                                                      \
      "Worker threads by state; lost: given up, and still within their script.")                             \
    F(WORKERS_CONFIGURED, GAUGE, "phpsrv_workers_configured", "Worker threads that there should be.")        \
    F(WORKER_STARTS, COUNTER, "phpsrv_worker_starts_total", "Worker threads started.")                       \
    F(WORKER_BUSY, COUNTER_NS, "phpsrv_worker_busy_seconds_total",                                           \
      "Time that workers have spent with requests, with those that run now; its rate divided by "            \
      "phpsrv_workers_configured is the utilisation.")                                                       \
    F(WORKER_RESTARTS, COUNTER, "phpsrv_worker_restarts_total",                                              \
      "Worker threads started in place of a broken one.")                                                    \
    F(WORKER_RECYCLES, COUNTER, "phpsrv_worker_recycles_total",                                              \
      "Worker threads replaced by plan, by reason.")                                                         \
    F(WORKERS_GIVEN_UP, COUNTER, "phpsrv_workers_given_up_total",                                            \
      "Worker threads that did not come back from a script and were left behind.")                           \
    F(BODIES_SPILLED, COUNTER, "phpsrv_request_bodies_spilled_total",                                        \
      "Request bodies put into pages of their own: they were large.")                                        \
    F(COMPRESSED, COUNTER, "phpsrv_compressed_bodies_total",                                                 \
      "Bodies compressed, of scripts, for the cache of files and of scrapes, by coding.")                    \
    F(COMPRESS_INPUT, COUNTER, "phpsrv_compression_input_bytes_total",                                       \
      "Bytes before compression, by coding.")                                                                \
    F(COMPRESS_OUTPUT, COUNTER, "phpsrv_compression_output_bytes_total",                                     \
      "Bytes after compression, by coding.")                                                                 \
    F(PHP_ERRORS, COUNTER, "phpsrv_php_errors_total",                                                        \
      "Errors of PHP that the script has not silenced, uncaught exceptions included, by level.")             \
    F(GC_RUNS, COUNTER, "phpsrv_php_gc_runs_total", "Runs of PHP's cycle collector.")                        \
    F(GC_COLLECTED, COUNTER, "phpsrv_php_gc_collected_total", "Values freed by PHP's cycle collector.")      \
    F(GC_ROOTS, COUNTER, "phpsrv_php_gc_roots_total",                                                        \
      "Possible roots of cycles that were left at the end of requests.")                                     \
    F(GC_TIME, COUNTER_NS, "phpsrv_php_gc_seconds_total", "Time spent in PHP's cycle collector.")            \
    F(STATIC_REQUESTS, COUNTER, "phpsrv_static_requests_total", "Requests answered from a file.")            \
    F(STATIC_NOT_MODIFIED, COUNTER, "phpsrv_static_not_modified_total",                                      \
      "Requests for files answered with 304.")                                                               \
    F(STATIC_BYTES, COUNTER, "phpsrv_static_bytes_total",                                                    \
      "Bytes of files in answers, whether or not their clients took them.")                                  \
    F(STATIC_CACHE, COUNTER, "phpsrv_static_cache_lookups_total", "Look-ups in the cache of open files.")    \
    F(STATIC_ENCODINGS, COUNTER, "phpsrv_static_encodings_total",                                            \
      "Compressed copies of files made, by what came of them.")                                              \
    F(STATIC_ENCODED_BYTES, GAUGE, "phpsrv_static_encoded_bytes", "Memory of compressed copies of files.")   \
    F(LOG_DROPPED, COUNTER, "phpsrv_log_dropped_total", "Log lines dropped: the ring was full.")             \
    F(OTLP_EXPORTED, COUNTER, "phpsrv_otlp_spans_exported_total",                                            \
      "Requests whose spans the collector has taken (children are not counted apart).")                      \
    F(OTLP_DROPPED, COUNTER, "phpsrv_otlp_spans_dropped_total",                                              \
      "Sampled requests whose spans were dropped, by reason.")                                               \
    F(OTLP_REQUESTS, COUNTER, "phpsrv_otlp_requests_total",                                                  \
      "Batches sent to the collector, by what came of it; retried: attempts that are made again.")

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
    X(CLIENT_CONNECTIONS_REFUSED, CLIENT_CONNECTIONS_REFUSED, NULL, NULL)                                    \
    X(REFUSED_400, REFUSED, "status", "400")                                                                 \
    X(REFUSED_401, REFUSED, "status", "401")                                                                 \
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
    X(HTTP2_OPEN, HTTP2_OPEN, NULL, NULL)                                                                    \
    X(HTTP2_STREAMS, HTTP2_STREAMS, NULL, NULL)                                                              \
    X(HTTP2_STREAMS_OPEN, HTTP2_STREAMS_OPEN, NULL, NULL)                                                    \
    X(HTTP2_RESETS_CLIENT, HTTP2_RESETS, "side", "client")                                                   \
    X(HTTP2_RESETS_SERVER, HTTP2_RESETS, "side", "server")                                                   \
    X(HTTP2_GOAWAYS_CLIENT, HTTP2_GOAWAYS, "side", "client")                                                 \
    X(HTTP2_GOAWAYS_SERVER, HTTP2_GOAWAYS, "side", "server")                                                 \
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
    X(TLS_FAILURES_TIMEOUT, TLS_FAILURES, "reason", "timeout")                                               \
    X(TLS_FAILURES_CLOSED, TLS_FAILURES, "reason", "closed")                                                 \
    X(TLS_FAILURES_HTTP, TLS_FAILURES, "reason", "plain_http")                                               \
    X(TLS_FAILURES_PROTOCOL, TLS_FAILURES, "reason", "protocol_version")                                     \
    X(TLS_FAILURES_CIPHER, TLS_FAILURES, "reason", "no_shared_cipher")                                       \
    X(TLS_FAILURES_ALERT, TLS_FAILURES, "reason", "client_alert")                                            \
    X(TLS_FAILURES_OTHER, TLS_FAILURES, "reason", "other")                                                   \
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
    X(QUEUE_BOOT_FAILURE, QUEUE_REJECTED, "reason", "boot_failure")                                          \
    X(QUEUE_REJECTED, QUEUE_REJECTED, "reason", "full")                                                      \
    X(QUEUE_SITE_LIMIT, QUEUE_REJECTED, "reason", "site_limit")                                              \
    X(QUEUE_STOPPING, QUEUE_REJECTED, "reason", "stopping")                                                  \
    X(QUEUE_WAIT_LIMIT, QUEUE_REJECTED, "reason", "wait_limit")                                              \
    X(SERVER_GENERATION, SERVER_GENERATION, NULL, NULL)                                                      \
    X(RATE_EVICTIONS, RATE_EVICTIONS, NULL, NULL)                                                            \
    X(BASIC_AUTH_ASKED, BASIC_AUTH, "result", "asked")                                                       \
    X(BASIC_AUTH_CHECKED, BASIC_AUTH, "result", "checked")                                                   \
    X(BASIC_AUTH_REMEMBERED, BASIC_AUTH, "result", "remembered")                                             \
    X(BASIC_AUTH_WRONG, BASIC_AUTH, "result", "wrong")                                                       \
    X(BASIC_AUTH_BUSY, BASIC_AUTH, "result", "busy")                                                         \
    X(CORS_PREFLIGHTS_ALLOWED, CORS_PREFLIGHTS, "result", "allowed")                                         \
    X(CORS_PREFLIGHTS_REFUSED, CORS_PREFLIGHTS, "result", "refused")                                         \
    X(SERVER_CRASHES, SERVER_CRASHES, NULL, NULL)                                                            \
    X(READY, READY, NULL, NULL)                                                                              \
    X(RELOADS_DONE, RELOADS, "result", "done")                                                               \
    X(RELOADS_FAILED, RELOADS, "result", "failed")                                                           \
    X(RELOAD_SUCCESSFUL, RELOAD_SUCCESSFUL, NULL, NULL)                                                      \
    X(RELOAD_TIME, RELOAD_TIME, NULL, NULL)                                                                  \
    X(WORKERS_BUSY, WORKERS, "state", "busy")                                                                \
    X(WORKERS_IDLE, WORKERS, "state", "idle")                                                                \
    X(WORKERS_STARTING, WORKERS, "state", "starting")                                                        \
    X(WORKERS_LOST, WORKERS, "state", "lost")                                                                \
    X(WORKERS_TOTAL, WORKERS_CONFIGURED, NULL, NULL)                                                         \
    X(WORKERS_STARTED, WORKER_STARTS, NULL, NULL)                                                            \
    X(WORKER_BUSY, WORKER_BUSY, NULL, NULL)                                                                  \
    X(WORKERS_RESTARTED, WORKER_RESTARTS, NULL, NULL)                                                        \
    X(WORKERS_RECYCLED, WORKER_RECYCLES, "reason", "max_requests")                                           \
    X(WORKERS_GIVEN_UP, WORKERS_GIVEN_UP, NULL, NULL)                                                        \
    X(BODIES_SPILLED, BODIES_SPILLED, NULL, NULL)                                                            \
    X(COMPRESSED_ZSTD, COMPRESSED, "coding", "zstd")                                                         \
    X(COMPRESSED_BROTLI, COMPRESSED, "coding", "br")                                                         \
    X(COMPRESSED_GZIP, COMPRESSED, "coding", "gzip")                                                         \
    X(COMPRESS_INPUT_ZSTD, COMPRESS_INPUT, "coding", "zstd")                                                 \
    X(COMPRESS_INPUT_BROTLI, COMPRESS_INPUT, "coding", "br")                                                 \
    X(COMPRESS_INPUT_GZIP, COMPRESS_INPUT, "coding", "gzip")                                                 \
    X(COMPRESS_OUTPUT_ZSTD, COMPRESS_OUTPUT, "coding", "zstd")                                               \
    X(COMPRESS_OUTPUT_BROTLI, COMPRESS_OUTPUT, "coding", "br")                                               \
    X(COMPRESS_OUTPUT_GZIP, COMPRESS_OUTPUT, "coding", "gzip")                                               \
    X(PHP_ERRORS_FATAL, PHP_ERRORS, "level", "fatal")                                                        \
    X(PHP_ERRORS_WARNING, PHP_ERRORS, "level", "warning")                                                    \
    X(PHP_ERRORS_NOTICE, PHP_ERRORS, "level", "notice")                                                      \
    X(PHP_ERRORS_DEPRECATED, PHP_ERRORS, "level", "deprecated")                                              \
    X(GC_RUNS, GC_RUNS, NULL, NULL)                                                                          \
    X(GC_COLLECTED, GC_COLLECTED, NULL, NULL)                                                                \
    X(GC_ROOTS, GC_ROOTS, NULL, NULL)                                                                        \
    X(GC_TIME, GC_TIME, NULL, NULL)                                                                          \
    X(STATIC_REQUESTS, STATIC_REQUESTS, NULL, NULL)                                                          \
    X(STATIC_NOT_MODIFIED, STATIC_NOT_MODIFIED, NULL, NULL)                                                  \
    X(STATIC_BYTES, STATIC_BYTES, NULL, NULL)                                                                \
    X(STATIC_CACHE_HITS, STATIC_CACHE, "result", "hit")                                                      \
    X(STATIC_CACHE_MISSES, STATIC_CACHE, "result", "miss")                                                   \
    X(STATIC_ENCODINGS_KEPT, STATIC_ENCODINGS, "result", "kept")                                             \
    X(STATIC_ENCODINGS_USELESS, STATIC_ENCODINGS, "result", "useless")                                       \
    X(STATIC_ENCODED_BYTES, STATIC_ENCODED_BYTES, NULL, NULL)                                                \
    X(LOG_DROPPED, LOG_DROPPED, NULL, NULL)                                                                  \
    X(OTLP_EXPORTED, OTLP_EXPORTED, NULL, NULL)                                                              \
    X(OTLP_DROPPED_QUEUE, OTLP_DROPPED, "reason", "queue_full")                                              \
    X(OTLP_DROPPED_FAILED, OTLP_DROPPED, "reason", "failed")                                                 \
    X(OTLP_DROPPED_REJECTED, OTLP_DROPPED, "reason", "rejected")                                             \
    X(OTLP_DROPPED_SHUTDOWN, OTLP_DROPPED, "reason", "shutdown")                                             \
    X(OTLP_REQUESTS_ACCEPTED, OTLP_REQUESTS, "result", "accepted")                                           \
    X(OTLP_REQUESTS_RETRIED, OTLP_REQUESTS, "result", "retried")                                             \
    X(OTLP_REQUESTS_FAILED, OTLP_REQUESTS, "result", "failed")

/* H(ID, name, help): durations. */
#define PSV_HISTOGRAM_TABLE(H)                                                                               \
    H(QUEUE_WAIT, "phpsrv_queue_wait_seconds", "Time that requests waited for a worker.")                    \
    H(WORKER_RUN, "phpsrv_worker_run_seconds", "Time that workers spent on a request.")

/* H(ID, name, help): heaps of PHP. */
#define PSV_MEMORY_HISTOGRAM_TABLE(H)                                                                        \
    H(PHP_MEMORY_PEAK, "phpsrv_php_request_memory_peak_bytes",                                               \
      "Largest heap of each PHP request, as memory_limit measures it.")

/* What is counted for each site (metrics.h), S(ID, TYPE, name, help) and its histograms H(ID, BOUNDS, name,
 * help). */
#define PSV_SITE_FAMILY_TABLE(S)                                                                             \
    S(REQUESTS, COUNTER, "phpsrv_requests_total", "Requests whose header was read, by method.")              \
    S(RESPONSES, COUNTER, "phpsrv_responses_total", "Responses begun, by class and code of their status.")   \
    S(IN_FLIGHT, GAUGE, "phpsrv_requests_in_flight",                                                         \
      "Requests whose header was read and whose answer is not complete.")
#define PSV_SITE_HISTOGRAM_TABLE(H)                                                                          \
    H(REQUEST_DURATION, DURATION, "phpsrv_request_duration_seconds",                                         \
      "From the first byte of a request to the end of its answer.")                                          \
    H(REQUEST_SIZE, SIZE, "phpsrv_request_size_bytes", "Requests, head and body, as they came.")             \
    H(RESPONSE_SIZE, SIZE, "phpsrv_response_size_bytes", "Answers, head and body, as they were sent.")

/* M(method), in the order of enum psv_method; what is none of them is the last. */
#define PSV_METRIC_METHOD_TABLE(M)                                                                           \
    M(GET)                                                                                                   \
    M(HEAD)                                                                                                  \
    M(POST)                                                                                                  \
    M(PUT)                                                                                                   \
    M(PATCH)                                                                                                 \
    M(DELETE)                                                                                                \
    M(OPTIONS)                                                                                               \
    M(QUERY)                                                                                                 \
    M(TRACE)                                                                                                 \
    M(CONNECT)                                                                                               \
    M(OTHER)

/* C(class, "code"), ascending; all others of a class are its last row. */
#define PSV_METRIC_CODE_TABLE(C)                                                                             \
    C(1, "other")                                                                                            \
    C(2, "200")                                                                                              \
    C(2, "201")                                                                                              \
    C(2, "202")                                                                                              \
    C(2, "203")                                                                                              \
    C(2, "204")                                                                                              \
    C(2, "206")                                                                                              \
    C(2, "207")                                                                                              \
    C(2, "other")                                                                                            \
    C(3, "300")                                                                                              \
    C(3, "301")                                                                                              \
    C(3, "302")                                                                                              \
    C(3, "303")                                                                                              \
    C(3, "304")                                                                                              \
    C(3, "307")                                                                                              \
    C(3, "308")                                                                                              \
    C(3, "other")                                                                                            \
    C(4, "400")                                                                                              \
    C(4, "401")                                                                                              \
    C(4, "403")                                                                                              \
    C(4, "404")                                                                                              \
    C(4, "405")                                                                                              \
    C(4, "406")                                                                                              \
    C(4, "408")                                                                                              \
    C(4, "409")                                                                                              \
    C(4, "410")                                                                                              \
    C(4, "411")                                                                                              \
    C(4, "412")                                                                                              \
    C(4, "413")                                                                                              \
    C(4, "414")                                                                                              \
    C(4, "415")                                                                                              \
    C(4, "416")                                                                                              \
    C(4, "417")                                                                                              \
    C(4, "419")                                                                                              \
    C(4, "421")                                                                                              \
    C(4, "422")                                                                                              \
    C(4, "423")                                                                                              \
    C(4, "425")                                                                                              \
    C(4, "426")                                                                                              \
    C(4, "428")                                                                                              \
    C(4, "429")                                                                                              \
    C(4, "431")                                                                                              \
    C(4, "451")                                                                                              \
    C(4, "other")                                                                                            \
    C(5, "500")                                                                                              \
    C(5, "501")                                                                                              \
    C(5, "502")                                                                                              \
    C(5, "503")                                                                                              \
    C(5, "504")                                                                                              \
    C(5, "505")                                                                                              \
    C(5, "507")                                                                                              \
    C(5, "other")

/* B(bytes, text): bounds of sizes of messages, and of heaps (a little above the powers of two that limits
 * are). */
#define PSV_SIZE_BUCKET_TABLE(B)                                                                             \
    B(100, "100.0")                                                                                          \
    B(1000, "1000.0")                                                                                        \
    B(5000, "5000.0")                                                                                        \
    B(10000, "10000.0")                                                                                      \
    B(50000, "50000.0")                                                                                      \
    B(100000, "100000.0")                                                                                    \
    B(500000, "500000.0")                                                                                    \
    B(1000000, "1e+06")                                                                                      \
    B(5000000, "5e+06")                                                                                      \
    B(10000000, "1e+07")                                                                                     \
    B(100000000, "1e+08")                                                                                    \
    B(1000000000, "1e+09")
#define PSV_MEMORY_BUCKET_TABLE(B)                                                                           \
    B(2500000, "2.5e+06")                                                                                    \
    B(5000000, "5e+06")                                                                                      \
    B(10000000, "1e+07")                                                                                     \
    B(20000000, "2e+07")                                                                                     \
    B(35000000, "3.5e+07")                                                                                   \
    B(70000000, "7e+07")                                                                                     \
    B(140000000, "1.4e+08")                                                                                  \
    B(270000000, "2.7e+08")                                                                                  \
    B(540000000, "5.4e+08")                                                                                  \
    B(1100000000, "1.1e+09")

/* B(nanoseconds, text): upper bounds of durations; +Inf follows by itself.  Texts as OpenMetrics 1.0 spells
 * them. */
#define PSV_DURATION_BUCKET_TABLE(B)                                                                         \
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
    B(1000000000, "1.0")                                                                                     \
    B(2500000000, "2.5")                                                                                     \
    B(5000000000, "5.0")                                                                                     \
    B(10000000000, "10.0")                                                                                   \
    B(30000000000, "30.0")                                                                                   \
    B(60000000000, "60.0")

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
    PSV_HISTOGRAM_TABLE(H) PSV_MEMORY_HISTOGRAM_TABLE(H)
#undef H
        PSV_HISTOGRAM_COUNT
};

enum psv_site_histogram {
#define H(id, bounds, name, help) PSV_SITE_HISTOGRAM_##id,
    PSV_SITE_HISTOGRAM_TABLE(H)
#undef H
        PSV_SITE_HISTOGRAM_COUNT
};
