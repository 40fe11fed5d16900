<?php

/** @generate-function-entries */

/** The id of the running request: the one in the access log and in X-Request-Id. */
function phpsrv_request_id(): string {}

/** Number of the worker that runs the request: 0 .. workers - 1. */
function phpsrv_worker_id(): int {}

/**
 * Facts about the server.
 * @return array{server: string, version: string, sapi: string, php: string, executor: string, workers: int,
 *               worker: int, pid: int, start_time: float, opcache: bool, jit: string}
 */
function phpsrv_server_info(): array {}

function apache_request_headers(): array {}

/** @alias apache_request_headers */
function getallheaders(): array {}

function apache_response_headers(): array {}
