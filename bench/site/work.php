<?php
// SPDX-License-Identifier: MIT
// Computing, the same for every request: n rounds of MD5, 1,000 of which are some 0.2 ms on a processor of 2020.
$text = 'work';
for ($i = (int) ($_GET['n'] ?? 1000); $i > 0; $i--) {
    $text = md5($text);
}
header('Content-Type: text/plain');
echo $text, "\n";
