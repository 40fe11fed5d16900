<?php
// Waits for a lock that somebody else holds. SPDX-License-Identifier: MIT
$file = fopen($_GET['file'], 'c');
flock($file, LOCK_EX);
echo 'free again';
