<?php
// SPDX-License-Identifier: MIT
// Short loops that do nothing but compute: calls, properties, arrays, floats, strings.
function fibonacci(int $n): int
{
    return $n < 2 ? $n : fibonacci($n - 1) + fibonacci($n - 2);
}

function sieve($limit)
{
    $flags = array_fill(0, $limit + 1, true);
    for ($i = 2; $i * $i <= $limit; $i++) {
        if ($flags[$i]) {
            for ($k = $i * $i; $k <= $limit; $k += $i) {
                $flags[$k] = false;
            }
        }
    }
    return count(array_filter($flags)) - 2;
}

function escape_time(float $re, float $im, int $most): int
{
    $x = $y = 0.0;
    for ($i = 0; $i < $most && $x * $x + $y * $y < 4.0; $i++) {
        [$x, $y] = [$x * $x - $y * $y + $re, 2.0 * $x * $y + $im];
    }
    return $i;
}

class Body
{
    public $x;
    public $vx = 0.0;
    private array $log = [];

    public function __construct($x, protected float $mass)
    {
        $this->x = $x;
    }

    public function pull(Body $other, float $step): void
    {
        $distance = $other->x - $this->x;
        $force = $other->mass / ($distance * $distance + 0.01);
        $this->vx += ($distance > 0 ? $force : -$force) * $step;
        $this->x += $this->vx * $step;
        $this->log[] = $this->x;
        if (count($this->log) > 10) {
            $this->log = [];
        }
    }

    public static function energy(array $bodies): float
    {
        $sum = 0.0;
        foreach ($bodies as $body) {
            $sum += self::half() * $body->mass * $body->vx ** 2;
        }
        return $sum;
    }

    private static function half(): float
    {
        return 0.5;
    }
}

function collatz($n)
{
    $steps = 0;
    while ($n !== 1) {
        $n = $n % 2 ? 3 * $n + 1 : $n >> 1;
        ++$steps;
    }
    return $steps;
}

function multiply(array $a, array $b): array
{
    $size = count($a);
    $c = [];
    for ($i = 0; $i < $size; $i++) {
        for ($j = 0; $j < $size; $j++) {
            $sum = 0;
            for ($k = 0; $k < $size; $k++) {
                $sum += $a[$i][$k] * $b[$k][$j];
            }
            $c[$i][$j] = $sum;
        }
    }
    return $c;
}

function permute(array $items, callable $each, array $chosen = []): void
{
    if (!$items) {
        $each($chosen);
        return;
    }
    foreach ($items as $i => $item) {
        $rest = $items;
        unset($rest[$i]);
        permute($rest, $each, [...$chosen, $item]);
    }
}

$out = [fibonacci(15), sieve(2000)];
for ($y = -1.0, $dots = 0; $y < 1.0; $y += 0.2) {
    for ($x = -2.0; $x < 0.5; $x += 0.1) {
        $dots += escape_time($x, $y, 25);
    }
}
$bodies = [new Body(1.0, 3.0), new Body(5.0, 1.0), new Body(9.5, 2.0)];
for ($i = 0; $i < 150; $i++) {
    foreach ($bodies as $a) {
        foreach ($bodies as $b) {
            if ($a !== $b) {
                $a->pull($b, 0.01);
            }
        }
    }
}
$longest = 0;
for ($n = 1; $n < 120; $n++) {
    $longest = max($longest, collatz($n));
}
$square = array_map(static fn(int $i): array => range($i, $i + 7), range(1, 8));
$count = 0;
permute([1, 2, 3, 4, 5], function (array $order) use (&$count): void { $count += $order[0] < $order[4] ? 1 : 0; });
$text = '';
$hash = 5381;
for ($i = 0; $i < 1500; $i++) {
    $text .= $i % 10;
    $hash = (($hash << 5) + $hash + ord($text[$i])) & 0xffffffff;
    if ($i === 700) {
        continue;
    }
    if (isset($text[$i - 3]) && $text[$i - 3] === '9' && !empty($text)) {
        $hash ^= 0x5a5a;
    }
}
$nested = 0;
for ($a = 0; $a < 12; $a++) {
    for ($b = 0; $b < 12; $b++) {
        for ($c = 0; $c < 12; $c++) {
            $nested += $a ^ $b | $c;
        }
    }
}
$words = [];
for ($i = 0; $i < 600; $i++) {
    $key = 'k' . dechex($i * 7 % 256);
    $words[$key] = isset($words[$key]) ? $words[$key] + 1 : 1;
}
echo implode(' ', $out), " $dots ", round(Body::energy($bodies), 6), " $longest ", array_sum(array_merge(...multiply($square, $square))), " $count $hash $nested ", count($words), ' ', md5($text), "\n";
