<?php
/* Front controller of both modes. As a worker it does what Octane does: the application is booted once, and each request has a copy of
 * it, which is thrown away with what the request has made and changed.
 * SPDX-License-Identifier: MIT */

use Illuminate\Container\Container;
use Illuminate\Contracts\Console\Kernel as ConsoleKernel;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as HttpKernel;
use Illuminate\Foundation\Application;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Facade;

require __DIR__ . '/../../shared.php';
Boot::begin();
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Illuminate/autoload.php';
require __DIR__ . '/../app/Kernel.php';
require __DIR__ . '/../app/Middleware.php';
require __DIR__ . '/../app/Providers.php';

@mkdir(Boot::$folder . '/views');
putenv('APP_SERVICES_CACHE=' . Boot::$folder . '/services.php');
putenv('APP_PACKAGES_CACHE=' . Boot::$folder . '/packages.php');
$application = new Application(dirname(__DIR__));
$application->singleton(HttpKernel::class, App\Kernel::class);
$application->singleton(ConsoleKernel::class, Illuminate\Foundation\Console\Kernel::class);
$application->singleton(ExceptionHandler::class, Illuminate\Foundation\Exceptions\Handler::class);
$application->instance('request', Request::create('http://localhost'));
$application->make(HttpKernel::class)->bootstrap();
$application->register(App\Routes::class);
foreach (['config', 'encrypter', 'events', 'files', 'log', 'router', 'translator', 'url', 'validator', 'view'] as $service) {
    $application->make($service);
}
$application->forgetInstance(HttpKernel::class);
Boot::end();

$copy = function () use ($application): Application {
    $sandbox = clone $application;
    $sandbox->instance('app', $sandbox);
    $sandbox->instance(Container::class, $sandbox);
    $sandbox->instance('config', clone $application['config']);
    $sandbox['router']->setContainer($sandbox);
    $sandbox['validator']->setContainer($sandbox);
    $sandbox['view']->setContainer($sandbox);
    $sandbox['view']->share('app', $sandbox);
    Container::setInstance($sandbox);
    Facade::clearResolvedInstances();
    Facade::setFacadeApplication($sandbox);
    return $sandbox;
};
$sandbox = $request = $response = null;
$serve = function () use ($copy, &$sandbox, &$request, &$response) {
    $sandbox = $copy();
    $request = Request::capture();
    $response = $sandbox->make(HttpKernel::class)->handle($request);
    $response->send();
};
$finish = function () use ($application, &$sandbox, &$request, &$response) {
    if ($response !== null) {
        $sandbox->make(HttpKernel::class)->terminate($request, $response);
    }
    $sandbox?->flush();
    $sandbox = $request = $response = null;
    Container::setInstance($application);
    Facade::clearResolvedInstances();
    Facade::setFacadeApplication($application);
};

if (!($_SERVER['FRANKENPHP_WORKER'] ?? false)) {
    $serve();
    $finish();
    return;
}

ignore_user_abort(true);
$left = (int) ($_SERVER['MAX_REQUESTS'] ?? 1000);
do {
    $goesOn = frankenphp_handle_request($serve);
    $finish();
    gc_collect_cycles();
} while ($goesOn && --$left !== 0);
