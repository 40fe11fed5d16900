<?php
// SPDX-License-Identifier: MIT
// The page of docker/compose.yaml: a session that lives in Valkey, a counter in MariaDB, and which node answers.
declare(strict_types=1);

session_start();
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
session_write_close();

$password = trim((string) file_get_contents((string) getenv('DATABASE_PASSWORD_FILE')));
$database = new PDO((string) getenv('DATABASE_DSN'), (string) getenv('DATABASE_USER'), $password, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$database->exec('CREATE TABLE IF NOT EXISTS counters (name VARCHAR(32) PRIMARY KEY, hits BIGINT NOT NULL)');
$database->exec("INSERT INTO counters VALUES ('all', 1) ON DUPLICATE KEY UPDATE hits = hits + 1");
$hits = (int) $database->query("SELECT hits FROM counters WHERE name = 'all'")->fetchColumn();

header('Content-Type: application/json');
header('Cache-Control: no-store');
echo json_encode([
    'node' => gethostname(),
    'client' => $_SERVER['REMOTE_ADDR'],
    'visits_of_this_session' => $_SESSION['visits'],
    'hits_of_all' => $hits,
], JSON_PRETTY_PRINT | JSON_THROW_ON_ERROR), "\n";
