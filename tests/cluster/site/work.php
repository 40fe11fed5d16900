<?php
// ms: how long it takes. key: counted in Redis when it begins, so that a test sees what ran twice. SPDX-License-Identifier: MIT
if (isset($_REQUEST['key'])) {
    $redis = new Redis();
    $redis->connect('127.0.0.1', (int) getenv('REDIS_PORT'));
    $redis->incr('ran:' . $_REQUEST['key']);
}
usleep(1000 * (int) ($_REQUEST['ms'] ?? 0));
header('X-Node: ' . getenv('NODE'));
echo 'done';
