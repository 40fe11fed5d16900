<?php
/* Messages of PSR-7 through middlewares in the shape of PSR-15; pipeline, container and routes are made once.
 * SPDX-License-Identifier: MIT */

use App\Application;

require __DIR__ . '/../../shared.php';
Boot::begin();
require 'Psr/Http/Message/autoload.php';
require 'Http/Message/autoload.php';
require 'Nyholm/Psr7/autoload.php';
require 'FastRoute/autoload.php';
require 'Pimple/autoload.php';
foreach (['http', 'pipeline', 'middlewares', 'parts', 'application'] as $part) {
    require __DIR__ . "/../src/$part.php";
}

$container = new Pimple\Container();
$container['application'] = fn () => new Application();
$container['pipeline'] = fn ($container) => new App\Pipeline(
    [new App\Fields(), new App\Errors((bool) getenv('APP_DEBUG')), new App\Sessions()],
    $container['application'],
);
$pipeline = $container['pipeline'];
Boot::end();

$serve = function () use ($pipeline): void {
    App\send($pipeline->handle(App\request_from_globals()));
};
$finish = function () use ($container): void {
    [$later, $container['application']->later] = [$container['application']->later, null];
    $later && $later();
};

if (!($_SERVER['FRANKENPHP_WORKER'] ?? false)) {
    $serve();
    fastcgi_finish_request();
    $finish();
    return;
}
ignore_user_abort(true);
$left = (int) ($_SERVER['MAX_REQUESTS'] ?? 0);
while (frankenphp_handle_request($serve)) {
    $finish();
    gc_collect_cycles();
    if (--$left === 0) {
        break;
    }
}
