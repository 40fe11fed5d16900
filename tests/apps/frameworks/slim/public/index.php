<?php
/* Slim 3: the application, its container and its routes are made once; a request and a response for each turn of the loop.
 * SPDX-License-Identifier: MIT */

use Psr\Http\Message\ResponseInterface as Response;
use Psr\Http\Message\ServerRequestInterface as Request;
use Slim\Http\Environment;

require __DIR__ . '/../../shared.php';
Boot::begin();
require 'Slim/autoload.php';

$later = null;
$application = new Slim\App(['settings' => ['displayErrorDetails' => (bool) getenv('APP_DEBUG'), 'addContentLengthHeader' => false]]);
$container = $application->getContainer();
unset($container['errorHandler'], $container['phpErrorHandler']);
$container['phpErrorHandler'] = $container['errorHandler'] = fn () => function (Request $request, Response $response, Throwable $problem) {
    error_log((string) $problem);
    return $response->withStatus(500)->write(getenv('APP_DEBUG') ? (string) $problem : 'Something went wrong.');
};
$session = function () {
    session_save_path(Boot::$folder . '/sessions');
    session_start();
};
$application->add(function (Request $request, Response $response, callable $next) {
    $response = $next($request, $response);
    foreach (Boot::fields() as $name => $value) {
        $response = $response->withHeader($name, $value);
    }
    return $response;
});
$application->map(['GET', 'POST'], '/hello/{name}', function (Request $request, Response $response, array $arguments) {
    return $response->withHeader('Set-Cookie', "seen={$arguments['name']}; Path=/")->withJson([
        'name' => $arguments['name'], 'token' => $request->getQueryParam('token'), 'cookie' => $request->getCookieParam('who'),
        'field' => $request->getHeaderLine('X-Token') ?: null, 'text' => $request->getParsedBody()['text'] ?? null,
    ]);
});
$application->post('/register', function (Request $request, Response $response) {
    $form = $request->getParsedBody();
    $errors = array_filter([
        'name' => strlen($form['name']) < 3, 'email' => !filter_var($form['email'], FILTER_VALIDATE_EMAIL), 'age' => $form['age'] < 18,
    ]);
    return $errors ? $response->withJson(['errors' => $errors], 422) : $response->withJson($form, 201);
});
$application->post('/upload', function (Request $request, Response $response) {
    $file = $request->getUploadedFiles()['file'];
    $target = Boot::$folder . '/uploads/' . bin2hex(random_bytes(8));
    $file->moveTo($target);
    return $response->withJson([
        'name' => $file->getClientFilename(), 'bytes' => $file->getSize(), 'sha256' => hash_file('sha256', $target),
        'note' => $request->getParsedBody()['note'],
    ]);
});
$application->post('/login', function (Request $request, Response $response) use ($session) {
    $session();
    session_regenerate_id(true);
    $_SESSION['user'] = $request->getParsedBody()['user'];
    return $response->withRedirect('/visits');
});
$application->get('/visits', function (Request $request, Response $response) use ($session) {
    $session();
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    return $response->withJson(['user' => $_SESSION['user'] ?? null, 'visits' => $_SESSION['visits']]);
});
$application->get('/stream', function (Request $request, Response $response) {
    $key = $request->getQueryParam('key');
    $response = $response->withBody(new Slim\Http\NonBufferedBody())->withHeader('Content-Type', 'text/plain');
    $response->write("first $key\n");
    Boot::wait("gate-$key");
    return $response->write("last $key\n");
});
$application->get('/late', function (Request $request, Response $response) use (&$later) {
    $key = $request->getQueryParam('key');
    $later = function () use ($key) {
        Boot::wait("gate-$key");
        Boot::note("late-$key", $key);
    };
    return $response->write('early answer');
});
$application->get('/throw', fn (Request $request) => throw new DomainException("secret of {$request->getQueryParam('token')}"));
$application->get('/exit', function () {
    echo 'gone';
    exit;
});
Boot::end();

$serve = function () use ($application): void {
    $request = Slim\Http\Request::createFromEnvironment(new Environment($_SERVER));
    $application->respond($application->process($request, new Slim\Http\Response()));
};
ignore_user_abort(true);
$left = (int) ($_SERVER['MAX_REQUESTS'] ?? 0);
while (frankenphp_handle_request($serve)) {
    $later && $later();
    $later = null;
    gc_collect_cycles();
    if (--$left === 0) {
        exit(0);
    }
}
