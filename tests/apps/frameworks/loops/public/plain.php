<?php
/* The loop and nothing else.
 * SPDX-License-Identifier: MIT */

require __DIR__ . '/../application.php';

$application = new Application();
$left = (int) ($_SERVER['MAX_REQUESTS'] ?? 0);
while (frankenphp_handle_request($application->run(...))) {
    $application->afterwards();
    if (--$left === 0) {
        exit(0);
    }
}
