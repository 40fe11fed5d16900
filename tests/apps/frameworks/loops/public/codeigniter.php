<?php
/* In the shape of CodeIgniter's worker script: it insists on worker mode, outlives its clients, and makes what belongs to one request
 * anew for each.
 * SPDX-License-Identifier: MIT */

if (!isset($_SERVER['FRANKENPHP_WORKER'])) {
    http_response_code(500);
    exit('This script runs in worker mode only.');
}
ignore_user_abort(true);
require __DIR__ . '/../application.php';

$booted = new Application();
$application = null;
$serve = static function () use ($booted, &$application): void {
    $application = clone $booted;
    $application->run();
};
for ($served = 0, $most = (int) ($_SERVER['MAX_REQUESTS'] ?? 0); $most === 0 || $served < $most; $served++) {
    if (!frankenphp_handle_request($serve)) {
        break;
    }
    $application?->afterwards();
    $application = null;
    gc_collect_cycles();
}
exit(0);
