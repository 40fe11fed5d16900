<?php
// SPDX-License-Identifier: MIT
// About 100 KiB of JSON: 700 rows, the same for every request, but built anew each time.
$rows = [];
for ($i = 1; $i <= 700; $i++) {
    $rows[] = [
        'id' => $i,
        'name' => "Product $i",
        'slug' => strtolower(str_replace(' ', '-', "Product $i")),
        'price' => round($i * 1.19, 2),
        'description' => 'No ' . dechex($i * 2654435761 % 4294967296) . ' of a catalogue',
        'tags' => ['new', $i % 2 ? 'odd' : 'even'],
    ];
}
header('Content-Type: application/json');
echo json_encode(['count' => count($rows), 'rows' => $rows]);
