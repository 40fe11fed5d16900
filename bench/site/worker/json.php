<?php
// SPDX-License-Identifier: MIT
// json.php for servers that boot a script once and hand it requests.
$handle = static function (): void {
    require dirname(__DIR__) . '/json.php';
};
while (frankenphp_handle_request($handle)) {
}
