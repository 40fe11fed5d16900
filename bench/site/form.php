<?php
// SPDX-License-Identifier: MIT
$count = $length = 0;
array_walk_recursive($_POST, function ($value) use (&$count, &$length) {
    $count++;
    $length += strlen($value);
});
header('Content-Type: text/plain');
echo $count, ' values, ', $length, " bytes\n";
