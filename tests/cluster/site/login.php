<?php
// A login as sites have it: a form with a token, a password hash, a new session id, a page for members. SPDX-License-Identifier: MIT
declare(strict_types=1);
const NAME = 'ada';
// password_hash('correct horse', PASSWORD_BCRYPT, ['cost' => 4])
const HASH = '$2y$04$3/6sTXu6YiJYw2/k80isgeuCLO6jckWQNW200j5RrNZRuLcc5vtKS';

session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax', 'use_strict_mode' => true]);
header('X-Node: ' . getenv('NODE'));
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $is_own_form = hash_equals($_SESSION['token'] ?? '', (string) ($_POST['token'] ?? '-'));
    if (!$is_own_form || ($_POST['name'] ?? '') !== NAME || !password_verify((string) ($_POST['password'] ?? ''), HASH)) {
        http_response_code(403);
        exit('no');
    }
    session_regenerate_id(true);
    $_SESSION['user'] = NAME;
    $_SESSION['visits'] = 0;
    header('Location: /login.php', true, 303);
    exit;
}
if (isset($_SESSION['user'])) {
    $_SESSION['visits']++;
    exit("hello {$_SESSION['user']}, visit {$_SESSION['visits']}");
}
$_SESSION['token'] ??= bin2hex(random_bytes(16));
echo "<form method=post><input name=name><input name=password type=password>",
    "<input name=token type=hidden value={$_SESSION['token']}></form>";
