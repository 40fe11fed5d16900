<h1><?= count($products) ?> things</h1>
<table>
<?php foreach ($products as $index => $product): ?>
<?php include __DIR__ . '/row.php'; ?>
<?php endforeach ?>
</table>
