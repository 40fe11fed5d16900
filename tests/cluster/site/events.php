<?php
// n events, one every ms milliseconds. SPDX-License-Identifier: MIT
header('Content-Type: text/event-stream');
header('X-Node: ' . getenv('NODE'));
for ($i = 1; $i <= (int) $_GET['n']; $i++) {
    echo "data: $i\n\n";
    flush();
    usleep(1000 * (int) $_GET['ms']);
}
