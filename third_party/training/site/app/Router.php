<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

class Router
{
    private array $routes = [];
    private array $middleware = [];

    public function add(string $method, string $pattern, callable|array $target): static
    {
        $regex = preg_replace_callback('~\{(\w+)(?::([^}]+))?\}~', static fn(array $m) => '(?<' . $m[1] . '>' . ($m[2] ?? '[^/]+') . ')', $pattern);
        $this->routes[$method][] = ["~^$regex$~u", $target];
        return $this;
    }

    public function through(\Closure ...$middleware): static
    {
        array_push($this->middleware, ...$middleware);
        return $this;
    }

    public function run(Request $request, Container $container): Response
    {
        $core = fn(Request $request): Response => $this->dispatch($request, $container);
        $chain = array_reduce(array_reverse($this->middleware), static fn(\Closure $next, \Closure $layer) => static fn(Request $r) => $layer($r, $next), $core);
        return $chain($request);
    }

    private function dispatch(Request $request, Container $container): Response
    {
        foreach ($this->routes[$request->method] ?? [] as [$regex, $target]) {
            if (preg_match($regex, $request->path, $found) === 1) {
                $arguments = array_filter($found, 'is_string', ARRAY_FILTER_USE_KEY);
                if (is_array($target)) {
                    [$class, $method] = $target;
                    return $container->get($class)->$method($request, ...$arguments);
                }
                return $target($request, ...$arguments);
            }
        }
        throw new NotFound($request->path);
    }
}
