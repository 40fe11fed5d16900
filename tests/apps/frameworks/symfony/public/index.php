<?php
/* Front controller of both modes: under php-fpm or in classic mode it serves one request, as a worker one after the other.
 * SPDX-License-Identifier: MIT */

use App\Kernel;
use Symfony\Component\HttpFoundation\Request;

require __DIR__ . '/../../shared.php';
Boot::begin();
require 'Symfony/Bundle/FrameworkBundle/autoload.php';
require 'Symfony/Component/PropertyAccess/autoload.php';
require 'Symfony/Component/Validator/autoload.php';
require 'Symfony/Component/Mime/autoload.php';
require __DIR__ . '/../src/Controller.php';
require __DIR__ . '/../src/Listener.php';
require __DIR__ . '/../src/Kernel.php';

$kernel = new Kernel(getenv('APP_ENV') ?: 'prod', (bool) getenv('APP_DEBUG'));
$kernel->boot();
Boot::end();

$environment = array_filter($_SERVER, fn ($name) => !str_starts_with($name, 'HTTP_'), ARRAY_FILTER_USE_KEY);
$request = $response = null;
$serve = function () use ($kernel, $environment, &$request, &$response) {
    $_SERVER += $environment; /* what the process was started with is in the boot's $_SERVER only */
    $request = Request::createFromGlobals();
    $response = $kernel->handle($request);
    $response->send();
};
$finish = function () use ($kernel, &$request, &$response) {
    if ($response !== null) {
        $kernel->terminate($request, $response);
    }
    $request = $response = null;
};

if (!($_SERVER['FRANKENPHP_WORKER'] ?? false)) {
    $serve();
    $finish();
    return;
}

ignore_user_abort(true);
$left = (int) ($_SERVER['FRANKENPHP_LOOP_MAX'] ?? 500); /* zero and less: no limit */
do {
    $goes_on = frankenphp_handle_request($serve);
    $finish();
    gc_collect_cycles();
} while ($goes_on && --$left !== 0);
exit(0);
