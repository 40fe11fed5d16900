<?php
// SPDX-License-Identifier: MIT
// Asks for a request field, so that $_SERVER is made with all of them.
header('Content-Type: text/plain');
echo $_SERVER['HTTP_X_FIELD_1'] ?? 'none', "\n";
