<?php
// SPDX-License-Identifier: MIT
// The templates of template.php.
function bench_escape(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function bench_view_list(array $items): void
{
    foreach ($items as $item) { ?>
        <article class="product" id="product-<?= $item['id'] ?>">
            <h2><a href="/products/<?= $item['id'] ?>"><?= bench_escape($item['name']) ?></a></h2>
            <p class="price"><?= number_format($item['price'], 2) ?> EUR</p>
            <ul><?php foreach ($item['tags'] as $tag) { ?><li><?= bench_escape($tag) ?></li><?php } ?></ul>
            <?php if ($item['stock'] > 0) { ?><p><?= $item['stock'] ?> in stock</p><?php } else { ?><p class="out">sold out</p><?php } ?>
        </article>
    <?php }
}

function bench_view_layout(string $title, string $content): void
{ ?>
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title><?= bench_escape($title) ?></title><link rel="stylesheet" href="/style.css"></head>
<body>
<nav><?php foreach (['Home', 'Products', 'About', 'Contact'] as $name) { ?><a href="/<?= strtolower($name) ?>"><?= $name ?></a><?php } ?></nav>
<main><h1><?= bench_escape($title) ?></h1><?= $content ?></main>
<footer>&copy; The bench</footer>
</body>
</html>
<?php }
