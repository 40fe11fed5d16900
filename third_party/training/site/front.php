<?php
// SPDX-License-Identifier: MIT
// A front controller as frameworks have one: autoloading, container, routes, middleware, errors turned into responses.
declare(strict_types=1);

use Training\{Articles, Container, NotFound, Request, Response, Router};

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Training\\')) {
        $file = __DIR__ . '/app/' . strtr(substr($class, 9), '\\', '/') . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
set_error_handler(static fn(int $level, string $message, string $file, int $line) => throw new ErrorException($message, 0, $level, $file, $line));

$container = new Container([Response::class => static fn() => new Response()]);
$router = (new Router())
    ->add('GET', '/', static fn(Request $r) => new Response('<h1>Start</h1>' . count($r->headers)))
    ->add('GET', '/about', static fn(Request $r) => new Response('About'))
    ->add('GET', '/article/{id:\d+}-{slug}', [Articles::class, 'show'])
    ->add('GET', '/article/{id:\d+}', [Articles::class, 'show'])
    ->add('GET', '/articles', [Articles::class, 'index'])
    ->add('POST', '/articles', static fn(Request $r) => (new Response('made', 201))->header('X-Title', substr($_POST['title'] ?? '', 0, 20)))
    ->add('GET', '/broken', static fn(Request $r) => new Response((string) [1, 2][5]))
    ->through(
        static fn(Request $r, Closure $next) => $next($r->with('started', microtime(true)))->header('X-Frame-Options', 'DENY'),
        static function (Request $r, Closure $next): Response {
            try {
                return $next($r);
            } catch (NotFound $problem) {
                return new Response($problem->getMessage(), 404);
            } catch (Throwable $problem) {
                error_log($problem::class . ': ' . $problem->getMessage());
                return new Response(nl2br(htmlspecialchars($problem->getTraceAsString())), 500);
            }
        },
        static fn(Request $r, Closure $next) => isset($r->headers['cookie']) ? $next($r->with('user', 'ann')) : $next($r),
    );
$router->run(Request::ofServer($_SERVER, $_GET), $container)->send();
