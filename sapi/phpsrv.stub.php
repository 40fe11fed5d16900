<?php

/** @generate-function-entries */

/** The id of the running request: the one in the access log and in X-Request-Id. */
function phpsrv_request_id(): string {}

/**
 * Worker mode: waits for a request, and calls the function for it: with a Phpsrv\Request, if it has a parameter.
 * frankenphp_handle_request() calls it without arguments.
 * @return bool false: there are no more requests, the script has to end
 */
function phpsrv_handle_request(callable $callback): bool {}

/** True in a script of worker mode, while it boots as well. */
function phpsrv_is_worker(): bool {}

/**
 * Worker mode: calls the function while the script waits for requests, every so many seconds. Requests come first. There is no request
 * then: superglobals are empty, output goes to the log, and so do uncaught exceptions. null: no longer.
 */
function phpsrv_on_idle(?callable $callback, float $seconds = 1.0): void {}

/** Number of the worker that runs the request: 0 .. workers - 1. */
function phpsrv_worker_id(): int {}

/**
 * Facts about the server.
 * @return array{server: string, version: string, sapi: string, php: string, executor: string, workers: int,
 *               worker: int, pid: int, start_time: float, opcache: bool, jit: string}
 */
function phpsrv_server_info(): array {}

/**
 * Ends the response: the client has it, the script goes on (mails, queues, statistics). What it prints from now on is thrown away.
 * @return bool false when the response was ended before
 */
function phpsrv_finish_request(): bool {}

/** @alias phpsrv_finish_request */
function fastcgi_finish_request(): bool {}

/** @alias phpsrv_finish_request */
function litespeed_finish_request(): bool {}

/**
 * With a status of 1xx: sends the fields that are set now at once, as an informational response; 103 is Early Hints. They stay set for
 * the response itself. At most 16 of a request, and none to HTTP/1.0. With another status: sends the head of the response.
 * @return int 1 (1xx was sent) or 3 (it was not); 0 (the head was sent) or -1
 */
function headers_send(int $status = 200): int {}

/**
 * Moves the request's deadline (--request-timeout-ms) to so many seconds from now. max_execution_time is another limit: set_time_limit().
 */
function phpsrv_request_heartbeat(int $seconds): bool {}

/**
 * Writes a line to the server's log, with the request's id.
 * @param string $level debug, info, notice, warning, error, critical, alert, emergency
 * @param array<array-key, mixed> $context up to 24 values, as fields of the line
 */
function phpsrv_log(string $message, string $level = "info", array $context = []): void {}

/**
 * Adds to a counter of /metrics. Metrics are the server's, not the request's: all workers count together.
 * @param array<string, scalar> $labels up to 16
 * @param string $help of the first use
 * @return bool false when there are too many names (500) or series (10,000)
 */
function phpsrv_metric_counter(string $name, float $value = 1, array $labels = [], string $help = ""): bool {}

/**
 * Sets a gauge of /metrics.
 * @param array<string, scalar> $labels
 */
function phpsrv_metric_gauge(string $name, float $value, array $labels = [], string $help = ""): bool {}

/**
 * Adds an observation to a histogram of /metrics.
 * @param array<string, scalar> $labels
 * @param list<float> $buckets upper bounds, ascending, of the first use; none: 5 ms to 10 s
 */
function phpsrv_metric_histogram(string $name, float $value, array $labels = [], array $buckets = [], string $help = ""): bool {}

function apache_request_headers(): array {}

/** @alias apache_request_headers */
function getallheaders(): array {}

function apache_response_headers(): array {}
