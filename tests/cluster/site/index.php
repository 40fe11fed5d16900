<?php
// Who answers, and what it was told about the client. SPDX-License-Identifier: MIT
header('Content-Type: application/json');
echo json_encode([
    'node' => getenv('NODE'),
    'pid' => getmypid(),
    'id' => phpsrv_request_id(),
    'client' => $_SERVER['REMOTE_ADDR'],
    'https' => $_SERVER['HTTPS'] ?? 'off',
    'host' => $_SERVER['HTTP_HOST'],
    'forwarded' => array_filter($_SERVER, fn ($name) => str_contains($name, 'FORWARDED'), ARRAY_FILTER_USE_KEY),
]);
