<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use Nyholm\Psr7\Response;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;

/** The fields by which the tests see what was booted when. */
final class Fields implements Middleware
{
    public function process(ServerRequestInterface $request, Handler $next): ResponseInterface
    {
        $response = $next->handle($request);
        foreach (\Boot::fields() as $name => $value) {
            $response = $response->withHeader($name, $value);
        }
        return $response;
    }
}

final class Errors implements Middleware
{
    public function __construct(private bool $showsMessages)
    {
    }

    public function process(ServerRequestInterface $request, Handler $next): ResponseInterface
    {
        try {
            return $next->handle($request);
        } catch (Invalid $problem) {
            return json(['errors' => $problem->errors], 422);
        } catch (\Throwable $problem) {
            error_log((string) $problem);
            return new Response(500, [], $this->showsMessages ? (string) $problem : 'Something went wrong.');
        }
    }
}

/** PHP's session as an attribute; begun when it is asked for. */
final class Sessions implements Middleware
{
    public function process(ServerRequestInterface $request, Handler $next): ResponseInterface
    {
        $session = new Session($request->getCookieParams()['PHPSESSID'] ?? null);
        return $session->keep($next->handle($request->withAttribute('session', $session)));
    }
}

final class Session
{
    public function __construct(private ?string $id)
    {
    }

    public function get(string $name, mixed $default = null): mixed
    {
        $this->begin();
        return $_SESSION[$name] ?? $default;
    }

    public function set(string $name, mixed $value): void
    {
        $this->begin();
        $_SESSION[$name] = $value;
    }

    public function renew(): void
    {
        $this->begin();
        session_regenerate_id(true);
    }

    public function keep(ResponseInterface $response): ResponseInterface
    {
        if (session_status() !== PHP_SESSION_ACTIVE) {
            return $response;
        }
        $id = session_id();
        session_write_close();
        return $id === $this->id ? $response : $response->withAddedHeader('Set-Cookie', "PHPSESSID=$id; Path=/; HttpOnly");
    }

    /** The cookie is the response's, not header()'s. */
    private function begin(): void
    {
        if (session_status() === PHP_SESSION_ACTIVE) {
            return;
        }
        session_save_path(\Boot::$folder . '/sessions');
        session_id($this->id ?? session_create_id());
        session_start(['use_cookies' => 0, 'use_strict_mode' => 0, 'cache_limiter' => '']);
    }
}
