<?php
// SPDX-License-Identifier: MIT
// About a millisecond of computing on a processor of 2020, the same for every request.
$text = 'work';
for ($i = 0; $i < 3000; $i++) {
    $text = md5($text);
}
header('Content-Type: text/plain');
echo $text, "\n";
