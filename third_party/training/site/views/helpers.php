<?php
// SPDX-License-Identifier: MIT
function e(mixed $value): string
{
    return htmlspecialchars((string) $value, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function money(float $value, string $currency): string
{
    return number_format($value, 2, ',', '.') . "\u{a0}" . $currency;
}

function view(string $name, array $variables): string
{
    extract($variables, EXTR_SKIP);
    ob_start();
    try {
        include __DIR__ . "/$name.php";
        return ob_get_contents();
    } finally {
        ob_end_clean();
    }
}
