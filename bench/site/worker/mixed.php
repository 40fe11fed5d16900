<?php
// SPDX-License-Identifier: MIT
// One request of a hundred waits for 20 ms, as for a database. In worker mode the script loops, elsewhere it runs once.
$handle = static function (): void {
    if (mt_rand(1, 100) === 1) {
        usleep(20000);
    }
    echo "done\n";
};
if (!function_exists('phpsrv_is_worker') || !phpsrv_is_worker()) {
    $handle();
    return;
}
while (frankenphp_handle_request($handle)) {
}
