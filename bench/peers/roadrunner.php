<?php
// SPDX-License-Identifier: MIT
// RoadRunner's worker: hands each request to the script of the site, whose output is the body. Not run here: written from its manual.
// Arguments: vendor/autoload.php, the site's folder.
[, $autoload, $docroot] = $argv;
require $autoload;
$worker = Spiral\RoadRunner\Worker::create();
$factory = new Nyholm\Psr7\Factory\Psr17Factory();
$psr7 = new Spiral\RoadRunner\Http\PSR7Worker($worker, $factory, $factory, $factory);
while ($request = $psr7->waitRequest()) {
    $script = realpath($docroot . $request->getUri()->getPath());
    if ($script === false || !str_starts_with($script, $docroot . '/') || !str_ends_with($script, '.php')) {
        $psr7->respond(new Nyholm\Psr7\Response(404));
        continue;
    }
    $_GET = $request->getQueryParams();
    ob_start();
    (static function (string $script): void { require $script; })($script);
    $psr7->respond(new Nyholm\Psr7\Response(200, ['Content-Type' => 'text/html; charset=UTF-8'], ob_get_clean()));
}
