<tr class="<?= $index % 2 ? 'odd' : 'even' ?>">
    <td><a href="/lamp/<?= $product['id'] ?>?from=<?= urlencode($product['name']) ?>"><?= e($product['name']) ?></a></td>
    <td><?= money($product['price'], $currency) ?></td>
    <td><?php if ($product['stock'] === 0): ?>sold out<?php elseif ($product['stock'] < 3): ?>only <?= $product['stock'] ?><?php else: ?>in stock<?php endif ?></td>
    <td><?= e(implode(', ', array_map('ucfirst', $product['tags']))) ?></td>
</tr>
