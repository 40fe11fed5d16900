<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title><?= e($title) ?></title></head>
<body class="<?= e($user) ?>">
<nav><ul>
<?php foreach ($menu as $target => $label): ?>
    <li<?php if ($target === '/lamps'): ?> class="here"<?php endif ?>><a href="<?= e($target) ?>"><?= e($label) ?></a></li>
<?php endforeach ?>
</ul></nav>
<main><?= $content ?></main>
<footer>&copy; <?= date('Y') ?>, <?= e(sprintf('%d KiB', strlen($content) >> 10)) ?></footer>
</body>
</html>
