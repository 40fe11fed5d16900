<?php
// SPDX-License-Identifier: MIT
// Fifty rows as an API would return them: the same for every request, but built anew each time.
$rows = [];
for ($i = 1; $i <= 50; $i++) {
    $rows[] = [
        'id' => $i,
        'name' => "Product $i",
        'slug' => strtolower(str_replace(' ', '-', "Product $i")),
        'price' => round($i * 1.19, 2),
        'tags' => ['new', $i % 2 ? 'odd' : 'even'],
        'available' => $i % 3 !== 0,
    ];
}
header('Content-Type: application/json');
echo json_encode(['count' => count($rows), 'rows' => $rows]);
