<?php
// SPDX-License-Identifier: MIT
// What is kept between requests: the session, files, streams, a database in memory where there is one.
session_start();
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) % 1000 + 1;
$_SESSION['basket'] ??= [];
$_SESSION['basket'][$_SESSION['visits'] % 12] = ['sku' => 'A-' . $_SESSION['visits'], 'amount' => 2, 'price' => 9.99];
$_SESSION['flash'] = "it's saved";
session_write_close();

$folder = getenv('TRAINING_FOLDER') ?: sys_get_temp_dir();
$file = "$folder/cache." . ($_SESSION['visits'] % 4) . '.json';
if (is_file($file) && filemtime($file) > time() - 60) {
    $values = json_decode(file_get_contents($file), true);
} else {
    $values = ['made' => time(), 'rows' => range(1, 50)];
}
$values['hits'] = ($values['hits'] ?? 0) + 1;
file_put_contents("$file.new", json_encode($values), LOCK_EX);
rename("$file.new", $file);
$log = "$folder/log.txt";
file_put_contents($log, date('c') . " visit {$_SESSION['visits']}\n", filesize_or_zero($log) > 20000 ? 0 : FILE_APPEND);
$lines = file($log, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES);

function filesize_or_zero(string $path): int
{
    clearstatcache(true, $path);
    return file_exists($path) ? filesize($path) : 0;
}

$stream = fopen('php://temp', 'w+');
for ($i = 0; $i < 60; $i++) {
    fputcsv($stream, [$i, "name, \"$i\"", $i / 3], escape: '');
}
rewind($stream);
$sum = 0.0;
while (($row = fgetcsv($stream, escape: '')) !== false) {
    $sum += (float) $row[2];
}
rewind($stream);
while (($line = fgets($stream)) !== false) {
    $sum += strlen(rtrim($line));
}
fclose($stream);
foreach (scandir($folder) as $name) {
    $sum += is_dir("$folder/$name") ? 0 : strlen(basename($name, '.json')) + strlen(pathinfo($name, PATHINFO_EXTENSION)) + strlen(dirname("$folder/$name"));
}
$sum += count(glob("$folder/*.json")) + strlen((string) realpath(__DIR__ . '/../site/app')) + strlen(gzdecode(gzencode(str_repeat('packed ', 200))));

$rows = [];
if (extension_loaded('pdo_sqlite')) {
    $db = new PDO('sqlite::memory:', null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);
    $db->exec('CREATE TABLE article (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT, price REAL, state TEXT)');
    $insert = $db->prepare('INSERT INTO article (title, body, price, state) VALUES (:title, :body, :price, :state)');
    $db->beginTransaction();
    for ($i = 1; $i <= 25; $i++) {
        $insert->execute(['title' => "Title $i", 'body' => str_repeat("body $i ", 5), 'price' => $i * 1.1, 'state' => $i % 3 ? 'open' : null]);
    }
    $db->commit();
    $select = $db->prepare('SELECT id, title, price FROM article WHERE price > ? AND state = ? ORDER BY price DESC LIMIT 10');
    $select->bindValue(1, 3, PDO::PARAM_INT);
    $select->bindValue(2, 'open');
    $select->execute();
    foreach ($select as $row) {
        $rows[$row['id']] = $row['title'] . $row['price'];
    }
    $sum += (int) $db->query('SELECT COUNT(*) FROM article')->fetchColumn() + count($db->query('SELECT * FROM article')->fetchAll(PDO::FETCH_OBJ));
    try {
        $db->query('SELECT nothing FROM nowhere');
    } catch (PDOException $problem) {
        $sum += strlen($problem->getMessage());
    }
}
header('Content-Type: text/plain');
echo $sum, ' ', count($lines), ' ', count($_SESSION['basket']), ' ', implode(';', $rows), "\n";
