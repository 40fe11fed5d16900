<?php
// SPDX-License-Identifier: MIT
// A stream of events, one each ms milliseconds (default 1000), each with the time at which it was sent, until the client goes.
header('Content-Type: text/event-stream');
header('Cache-Control: no-store');
header('X-Accel-Buffering: no');
while (ob_get_level() > 0) {
    ob_end_flush();
}
set_time_limit(0);
$pause_us = 1000 * (int) ($_GET['ms'] ?? 1000);
for (;;) {
    printf("data: %.6F\n\n", microtime(true));
    flush();
    usleep($pause_us);
}
