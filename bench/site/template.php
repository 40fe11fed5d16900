<?php
// SPDX-License-Identifier: MIT
// A page of about 30 KiB as an application renders it: a layout, a loop of rows, everything escaped, output buffered.
require_once __DIR__ . '/template_view.php';
$items = [];
for ($i = 1; $i <= 114; $i++) {
    $items[] = ['id' => $i, 'name' => "Product <$i>", 'price' => $i * 1.19, 'tags' => ['new', $i % 2 ? 'odd' : 'even'], 'stock' => $i % 7];
}
ob_start();
bench_view_list($items);
$content = ob_get_clean();
header('Content-Type: text/html; charset=UTF-8');
bench_view_layout('Products & more', $content);
