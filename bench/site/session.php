<?php
// SPDX-License-Identifier: MIT
// A visit counted in a session of files; the runner has made the folder.
session_start(['save_path' => __DIR__ . '/sessions', 'use_strict_mode' => 0, 'gc_probability' => 0]);
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
$_SESSION['name'] ??= 'visitor';
header('Content-Type: text/plain');
echo 'Hello, ', $_SESSION['name'], "\n";
