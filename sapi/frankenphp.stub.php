<?php

/** @generate-function-entries */

/**
 * @var int
 */
const FRANKENPHP_LOG_LEVEL_DEBUG = -4;

/**
 * @var int
 */
const FRANKENPHP_LOG_LEVEL_INFO = 0;

/**
 * @var int
 */
const FRANKENPHP_LOG_LEVEL_WARN = 4;

/**
 * @var int
 */
const FRANKENPHP_LOG_LEVEL_ERROR = 8;

/** @implementation-alias phpsrv_handle_request */
function frankenphp_handle_request(callable $callback): bool {}

/** @implementation-alias phpsrv_finish_request */
function frankenphp_finish_request(): bool {}

/** @implementation-alias apache_request_headers */
function frankenphp_request_headers(): array {}

/** @implementation-alias apache_response_headers */
function frankenphp_response_headers(): array|bool {}

/**
 * Writes a line to the server's log, with the request's id.
 * @param int $level FRANKENPHP_LOG_LEVEL_..., or a number between them
 * @param array<array-key, mixed> $context up to 24 values, as fields of the line
 */
function frankenphp_log(string $message, int $level = 0, array $context = []): void {}

/**
 * There is no Mercure hub in this server: throws a RuntimeException.
 * @param string|string[] $topics
 */
function mercure_publish(string|array $topics, string $data = "", bool $private = false, ?string $id = null, ?string $type = null, ?int $retry = null): string {}
