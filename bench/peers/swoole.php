<?php
// SPDX-License-Identifier: MIT
// Swoole's server: hands each request to the script of the site, whose output is the body. Not run here: written from its manual.
// Arguments: port, processes, the site's folder.
[, $port, $processes, $docroot] = $argv;
$server = new Swoole\Http\Server('127.0.0.1', (int) $port, SWOOLE_PROCESS);
$server->set(['worker_num' => (int) $processes, 'log_level' => SWOOLE_LOG_ERROR, 'enable_coroutine' => false]);
$server->on('request', function ($request, $response) use ($docroot) {
    $script = realpath($docroot . $request->server['request_uri']);
    if ($script === false || !str_starts_with($script, $docroot . '/') || !str_ends_with($script, '.php')) {
        $response->status(404);
        $response->end();
        return;
    }
    $_GET = $request->get ?? [];
    ob_start();
    (static function (string $script): void { require $script; })($script);
    $response->end(ob_get_clean());
});
$server->start();
