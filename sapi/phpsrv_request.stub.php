<?php

/** @generate-class-entries */

namespace Phpsrv;

/**
 * The request that phpsrv_handle_request() calls its function for.
 * @strict-properties
 * @not-serializable
 */
final readonly class Request
{
    /** As it was sent: GET, POST ... */
    public string $method;
    /** Path and query as they were sent: REQUEST_URI. */
    public string $target;
    /** The target up to its question mark, not decoded. */
    public string $path;
    /** What follows the question mark, or "". */
    public string $query;
    /** HTTP/1.1, HTTP/2.0 ... */
    public string $protocol;
    /** http or https. */
    public string $scheme;
    /** Of the request, without a port; else the server's address. */
    public string $host;
    public string $remoteAddress;
    /**
     * By name in the spelling "Content-Type"; values of a repeated field are joined.
     * @var array<string, string>
     */
    public array $headers;
    /** That of phpsrv_request_id() and of the access log. */
    public string $id;

    private function __construct() {}

    /** Value of a field, whatever the case of the name. */
    public function header(string $name): ?string {}

    /**
     * What php://input has: all of the body, nothing of multipart/form-data.
     * @throws \LogicException when the request is over
     */
    public function body(): string {}
}
