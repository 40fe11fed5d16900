<?php
// SPDX-License-Identifier: MIT
// What an API does: rows built, filtered, encoded, decoded again; query string and fields read.
declare(strict_types=1);
$page = max(1, (int) ($_GET['page'] ?? 1));
$perPage = min(100, max(5, (int) ($_GET['limit'] ?? 40)));
$fields = array_filter(explode(',', (string) ($_GET['fields'] ?? '')));
$rows = [];
for ($i = 0; $i < $perPage; $i++) {
    $id = ($page - 1) * $perPage + $i + 1;
    $row = [
        'id' => $id,
        'title' => 'Article ' . $id,
        'slug' => trim(preg_replace('/[^a-z0-9]+/', '-', strtolower("Article N° $id / \"new\"")), '-'),
        'net' => round($id * 3.37, 2),
        'gross' => (float) number_format($id * 3.37 * 1.19, 2, '.', ''),
        'tags' => [$id % 2 === 0 ? 'even' : 'odd', $id % 5 === 0 ? 'sale' : 'regular'],
        'author' => ['name' => "Ann O'Neil", 'mail' => "ann.$id@example.org", 'active' => $id % 4 !== 0],
        'created' => gmdate(DATE_ATOM, 1700000000 + $id * 3600),
        'note' => $id % 3 === 0 ? null : "Grüße, \u{1F600} <b>$id</b> \\ / \t",
    ];
    $rows[] = $fields === [] ? $row : array_intersect_key($row, array_flip($fields));
}
$text = json_encode(['page' => $page, 'count' => count($rows), 'rows' => $rows], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
$again = json_decode($text, true, 32, JSON_THROW_ON_ERROR);
$object = json_decode($text);
$ids = array_map(static fn(array $row): int => $row['id'] ?? 0, $again['rows']);
$names = array_column(array_column($again['rows'], 'author'), 'name', 'mail');
header('Content-Type: application/json; charset=utf-8');
header('Cache-Control: no-cache');
header('ETag: "' . md5($text) . '"');
if (($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') === '"' . md5($text) . '"') {
    http_response_code(304);
    return;
}
echo json_encode(['sum' => array_sum($ids), 'names' => count(array_unique($names)), 'first' => $object->rows[0] ?? null, 'data' => $again],
    JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE);
