<?php
// SPDX-License-Identifier: MIT
// So many bytes in pieces of at most 64 KiB.
header('Content-Type: application/octet-stream');
$piece = str_repeat('0123456789abcdef', 4096);
for ($left = (int) $_GET['n']; $left > 0; $left -= 65536) {
    echo $left >= 65536 ? $piece : substr($piece, 0, $left);
}
