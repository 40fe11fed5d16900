<?php
// SPDX-License-Identifier: MIT
// A form: checked, cleaned, answered; or a file that came with it.
$rules = ['name' => ['required', 'max:40'], 'mail' => ['required', 'mail'], 'age' => ['int'], 'site' => ['url'], 'tags' => ['list'], 'agree' => ['bool'], 'password' => ['min:8']];
$clean = $errors = [];
foreach ($rules as $field => $checks) {
    $value = $_POST[$field] ?? null;
    foreach ($checks as $check) {
        [$rule, $limit] = explode(':', $check, 2) + [1 => null];
        $good = match ($rule) {
            'required' => is_string($value) && trim($value) !== '',
            'max' => mb_strlen((string) $value) <= (int) $limit,
            'min' => $value === null || mb_strlen((string) $value) >= (int) $limit,
            'mail' => filter_var($value, FILTER_VALIDATE_EMAIL) !== false,
            'int' => $value === null || filter_var($value, FILTER_VALIDATE_INT, ['options' => ['min_range' => 0, 'max_range' => 150]]) !== false,
            'url' => $value === null || filter_var($value, FILTER_VALIDATE_URL) !== false,
            'bool' => filter_var($value ?? 'no', FILTER_VALIDATE_BOOLEAN, FILTER_NULL_ON_FAILURE) !== null,
            'list' => $value === null || is_array($value),
        };
        if (!$good) {
            $errors[$field][] = sprintf('%s: %s', ucfirst($field), $rule);
        }
    }
    $clean[$field] = is_array($value) ? array_map('trim', $value) : htmlspecialchars(trim((string) $value));
}
foreach ($_FILES as $name => $file) {
    if ($file['error'] === UPLOAD_ERR_OK && is_uploaded_file($file['tmp_name'])) {
        $clean[$name] = [basename($file['name']), $file['size'], md5_file($file['tmp_name'])];
        move_uploaded_file($file['tmp_name'], (getenv('TRAINING_FOLDER') ?: sys_get_temp_dir()) . '/upload.txt');
    }
}
$token = hash_hmac('sha256', bin2hex(random_bytes(16)), 'secret');
$same = hash_equals($token, $_POST['token'] ?? '');
$raw = strlen(file_get_contents('php://input'));
http_response_code($errors === [] ? 200 : 422);
header('Content-Type: application/json');
header('X-Token: ' . substr($token, 0, 12) . ($same ? 1 : 0));
header_remove('X-Powered-By');
echo json_encode(['errors' => $errors, 'clean' => $clean, 'bytes' => $raw, 'agent' => preg_match('~Firefox/(\d+)~', $_SERVER['HTTP_USER_AGENT'] ?? '', $m) ? (int) $m[1] : null, 'theme' => $_COOKIE['theme'] ?? null]);
