<?php
// SPDX-License-Identifier: MIT
// A page of views and partial views: includes, output buffers, escaping, short loops in templates.
require_once __DIR__ . '/views/helpers.php';
$products = [];
for ($i = 1; $i <= 90; $i++) {
    $products[] = ['id' => $i, 'name' => "Lamp & \"shade\" <$i>", 'price' => $i * 7.35, 'stock' => ($i * 7) % 11, 'tags' => ['home', $i % 2 ? 'brass' : 'glass']];
}
usort($products, static fn($a, $b) => $b['stock'] <=> $a['stock'] ?: strcmp($a['name'], $b['name']));
$content = view('list', ['products' => $products, 'currency' => '€']);
header('Content-Type: text/html; charset=UTF-8');
setcookie('seen', (string) count($products), ['expires' => time() + 3600, 'path' => '/', 'httponly' => true, 'samesite' => 'Lax']);
echo view('layout', ['title' => 'Lamps & more', 'content' => $content, 'user' => $_COOKIE['theme'] ?? 'none', 'menu' => ['/' => 'Home', '/lamps' => 'Lamps', '/about' => 'About us']]);
