<?php
// SPDX-License-Identifier: MIT
// hello.php for servers that boot a script once and hand it requests.
$handle = static function (): void {
    echo "Hello, world!\n";
};
while (frankenphp_handle_request($handle)) {
}
