<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use FastRoute\Dispatcher;
use FastRoute\RouteCollector;
use Nyholm\Psr7\Response;
use Nyholm\Psr7\Stream;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;

final class Invalid extends \RuntimeException
{
    public function __construct(public readonly array $errors)
    {
        parent::__construct('the form is not valid');
    }
}

function json(mixed $value, int $status = 200): ResponseInterface
{
    return new Response($status, ['Content-Type' => 'application/json'], json_encode($value));
}

/** The innermost handler: looks the route up and calls it. */
final class Application implements Handler
{
    /** Work for after the response. */
    public ?\Closure $later = null;
    private Dispatcher $dispatcher;

    public function __construct()
    {
        $this->dispatcher = \FastRoute\simpleDispatcher(function (RouteCollector $routes): void {
            $routes->addRoute(['GET', 'POST'], '/hello/{name}', 'hello');
            $routes->post('/register', 'register');
            $routes->post('/upload', 'upload');
            $routes->post('/login', 'login');
            $routes->get('/visits', 'visits');
            $routes->get('/stream', 'stream');
            $routes->get('/late', 'late');
            $routes->get('/throw', 'fail');
            $routes->get('/exit', 'leave');
        });
    }

    public function handle(ServerRequestInterface $request): ResponseInterface
    {
        $found = $this->dispatcher->dispatch($request->getMethod(), $request->getUri()->getPath());
        return match ($found[0]) {
            Dispatcher::NOT_FOUND => new Response(404, [], 'there is no such page'),
            Dispatcher::METHOD_NOT_ALLOWED => new Response(405, ['Allow' => implode(', ', $found[1])]),
            Dispatcher::FOUND => $this->{$found[1]}($request, ...array_values($found[2])),
        };
    }

    private function hello(ServerRequestInterface $request, string $name): ResponseInterface
    {
        return json([
            'name' => $name,
            'token' => $request->getQueryParams()['token'] ?? null,
            'cookie' => $request->getCookieParams()['who'] ?? null,
            'field' => $request->getHeader('X-Token')[0] ?? null,
            'text' => $request->getParsedBody()['text'] ?? null,
        ])->withAddedHeader('Set-Cookie', "seen=$name; Path=/");
    }

    private function register(ServerRequestInterface $request): ResponseInterface
    {
        $form = $request->getParsedBody();
        $errors = array_filter([
            'name' => strlen($form['name']) < 3 ? 'is too short' : null,
            'email' => filter_var($form['email'], FILTER_VALIDATE_EMAIL) === false ? 'is no address' : null,
            'age' => (int) $form['age'] < 18 ? 'is too young' : null,
        ]);
        if ($errors) {
            throw new Invalid($errors);
        }
        return json($form, 201);
    }

    private function upload(ServerRequestInterface $request): ResponseInterface
    {
        $file = $request->getUploadedFiles()['file'];
        $target = \Boot::$folder . '/uploads/' . bin2hex(random_bytes(8));
        $file->moveTo($target);
        return json([
            'name' => $file->getClientFilename(), 'bytes' => $file->getSize(), 'sha256' => hash_file('sha256', $target),
            'note' => $request->getParsedBody()['note'],
        ]);
    }

    private function login(ServerRequestInterface $request): ResponseInterface
    {
        $request->getAttribute('session')->renew();
        $request->getAttribute('session')->set('user', $request->getParsedBody()['user']);
        return new Response(302, ['Location' => '/visits']);
    }

    private function visits(ServerRequestInterface $request): ResponseInterface
    {
        $session = $request->getAttribute('session');
        $session->set('visits', $session->get('visits', 0) + 1);
        return json(['user' => $session->get('user'), 'visits' => $session->get('visits')]);
    }

    /** A body that comes while it is sent. */
    private function stream(ServerRequestInterface $request): ResponseInterface
    {
        $key = $request->getQueryParams()['key'];
        $parts = (function () use ($key) {
            yield "first $key\n";
            \Boot::wait("gate-$key");
            yield "last $key\n";
        })();
        return new Response(200, ['Content-Type' => 'text/plain'], Stream::create(Parts::open($parts)));
    }

    private function late(ServerRequestInterface $request): ResponseInterface
    {
        $key = $request->getQueryParams()['key'];
        $this->later = function () use ($key) {
            \Boot::wait("gate-$key");
            \Boot::note("late-$key", $key);
        };
        return new Response(200, [], 'early answer');
    }

    private function fail(ServerRequestInterface $request): ResponseInterface
    {
        throw new \DomainException("secret of {$request->getQueryParams()['token']}");
    }

    private function leave(): ResponseInterface
    {
        echo 'gone';
        exit;
    }
}
