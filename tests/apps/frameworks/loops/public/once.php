<?php
/* One request for each boot; the second boot takes its time.
 * SPDX-License-Identifier: MIT */

require __DIR__ . '/../application.php';

if (file_exists(Boot::$folder . '/boots')) {
    register_shutdown_function(fn () => print('shutdown function: ' . var_export(error_get_last(), true)));
    Boot::note('boots-again', '');
    Boot::wait('gate-boot');
}
$application = new Application();
frankenphp_handle_request($application->run(...));
