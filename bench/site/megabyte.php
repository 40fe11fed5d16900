<?php
// SPDX-License-Identifier: MIT
header('Content-Type: text/plain');
echo str_repeat("0123456789abcde\n", 64 * 1024);
