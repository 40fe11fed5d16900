<?php
// SPDX-License-Identifier: MIT
// Leaves a file behind when it has begun, so that nobody has to guess.
touch(__DIR__ . '/begun');
usleep(1000 * (int) ($_GET['ms'] ?? 2000));
echo "awake\n";
