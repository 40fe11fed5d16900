<?php
/* Handlers and middlewares in the shape of PSR-15, whose interfaces Debian does not package.
 * SPDX-License-Identifier: MIT */

namespace App;

use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;

interface Handler
{
    public function handle(ServerRequestInterface $request): ResponseInterface;
}

interface Middleware
{
    public function process(ServerRequestInterface $request, Handler $next): ResponseInterface;
}

/** Each middleware around those behind it, the last handler inside. */
final class Pipeline implements Handler
{
    /** @param list<Middleware> $middlewares */
    public function __construct(private array $middlewares, private Handler $last)
    {
    }

    public function handle(ServerRequestInterface $request): ResponseInterface
    {
        if (!$this->middlewares) {
            return $this->last->handle($request);
        }
        return $this->middlewares[0]->process($request, new self(array_slice($this->middlewares, 1), $this->last));
    }
}
