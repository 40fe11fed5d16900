<?php
/* Between PHP's superglobals and PSR-7's messages.
 * SPDX-License-Identifier: MIT */

namespace App;

use Nyholm\Psr7\ServerRequest;
use Nyholm\Psr7\Stream;
use Nyholm\Psr7\UploadedFile;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;

function request_from_globals(): ServerRequestInterface
{
    $uri = ($_SERVER['REQUEST_SCHEME'] ?? 'http') . '://' . ($_SERVER['HTTP_HOST'] ?? 'localhost') . $_SERVER['REQUEST_URI'];
    $body = Stream::create(fopen('php://input', 'r'));
    $request = new ServerRequest($_SERVER['REQUEST_METHOD'], $uri, getallheaders(), $body, '1.1', $_SERVER);
    $files = array_map(
        fn (array $file) => new UploadedFile($file['tmp_name'], $file['size'], $file['error'], $file['name'], $file['type']),
        $_FILES,
    );
    return $request->withQueryParams($_GET)->withParsedBody($_POST)->withCookieParams($_COOKIE)->withUploadedFiles($files);
}

function send(ResponseInterface $response): void
{
    http_response_code($response->getStatusCode());
    foreach ($response->getHeaders() as $name => $values) {
        foreach ($values as $value) {
            header("$name: $value", false);
        }
    }
    $body = $response->getBody();
    if ($body->isSeekable()) {
        $body->rewind();
    }
    while (!$body->eof()) {
        echo $body->read(8192);
        flush();
    }
}
