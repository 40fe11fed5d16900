<?php
// SPDX-License-Identifier: MIT
// Data: arrays of all kinds, sorting, generators, closures, serialize, dates, SPL, references, destructuring.
mt_srand(4711);
$numbers = [];
for ($i = 0; $i < 400; $i++) {
    $numbers[] = mt_rand(0, 5000);
}
$sorted = $numbers;
sort($sorted);
rsort($sorted);
usort($sorted, static fn(int $a, int $b): int => $a <=> $b);
$people = array_map(static fn(int $n): array => ['name' => 'P' . ($n % 97), 'age' => $n % 80, 'city' => ['Rome', 'Oslo', 'Bern', 'Kyiv'][$n % 4], 'pay' => $n * 1.5], $numbers);
uasort($people, static fn(array $a, array $b): int => [$a['city'], $b['age'], $a['name']] <=> [$b['city'], $a['age'], $b['name']]);
array_multisort(array_column($people, 'age'), SORT_DESC, array_column($people, 'name'), SORT_ASC, $people);
$groups = [];
foreach ($people as $key => ['name' => $name, 'city' => $city, 'pay' => $pay]) {
    $groups[$city]['names'][$name] = true;
    $groups[$city]['pay'] ??= 0.0;
    $groups[$city]['pay'] += $pay;
    $groups[$city]['count'] = ($groups[$city]['count'] ?? 0) + 1;
    if ($key % 7 === 3) {
        unset($groups[$city]['names'][$name]);
    }
}
ksort($groups);
foreach ($groups as &$group) {
    $group['mean'] = $group['pay'] / max(1, $group['count']);
    $group['names'] = array_slice(array_keys($group['names']), 0, 5);
}
unset($group);

function evens(iterable $source): Generator
{
    foreach ($source as $key => $value) {
        if ($value % 2 === 0) {
            $got = yield $key => $value;
            if ($got === 'stop') {
                return $key;
            }
        }
    }
    return -1;
}

function chained(iterable $source, int $most): Generator
{
    $count = 0;
    foreach (evens($source) as $value) {
        if (++$count > $most) {
            return;
        }
        yield $value;
    }
    yield from [1, 2, 3];
}

$sum = 0;
foreach (chained($numbers, 150) as $value) {
    $sum += $value;
}
$generator = evens($numbers);
$sum += $generator->current();
$generator->send('stop');
$sum += $generator->getReturn();
$total = array_reduce($numbers, static fn(int $carry, int $n): int => $carry + $n, 0);
$odd = array_values(array_filter($numbers, static fn(int $n): bool => (bool) ($n & 1)));
$pairs = array_combine(range(1, 20), array_slice($odd, 0, 20));
[$first, , $third] = $odd;
[$first, $third] = [$third, $first];
$merged = array_merge($pairs, ['x' => 1, ...$odd], array_fill(0, 10, 'f')) + ['y' => 2] + array_flip(['p', 'q']);
$chunks = array_chunk($numbers, 16, true);
$walk = ['a' => ['b' => [1, 2, 3]], 'c' => 4];
array_walk_recursive($walk, static function (&$leaf, $key) { $leaf = $leaf * 2; });
$stack = [];
foreach ($numbers as $n) {
    array_push($stack, $n);
    if (count($stack) > 20) {
        array_shift($stack);
    }
    if ($n % 5 === 0) {
        array_pop($stack);
        array_unshift($stack, -$n);
    }
}
array_splice($stack, 2, 3, ['in', 'side']);
$found = in_array(2500, $numbers) + (int) array_search(max($numbers), $numbers, true) + count(array_unique($numbers)) + count(array_intersect($odd, $stack)) + count(array_diff($numbers, $odd))
    + count(array_diff_key($pairs, [3 => 1])) + array_product([1, 2, 3]) + min($numbers) + array_key_last($numbers) + (array_is_list($odd) ? 1 : 0) + count(array_count_values($numbers)) + count(array_pad([1], 5, 0));
natsort($stack);
$reversed = array_reverse($numbers, true);
shuffle($numbers);
$pick = array_rand($numbers, 3);
$matrix = [];
for ($y = 0; $y < 20; $y++) {
    for ($x = 0; $x < 20; $x++) {
        $matrix[$y][$x] = $x * $y ^ 3;
    }
}
$turned = array_map(null, ...$matrix);

class Point
{
    public ?Point $next = null;
    public function __construct(public readonly int $x = 0, public readonly int $y = 0, protected array $marks = []) {}
    public function moved(int $dx, int $dy): static { return new static($this->x + $dx, $this->y + $dy, [...$this->marks, "$dx/$dy"]); }
    public function __clone() { $this->next = null; }
    public function __toString(): string { return "($this->x,$this->y)"; }
    public function __serialize(): array { return ['x' => $this->x, 'y' => $this->y]; }
    public function __unserialize(array $data): void { $this->x = $data['x']; $this->y = $data['y']; }
    public function __call(string $name, array $arguments): string { return $name . count($arguments); }
}

$point = new Point(1, 2);
$cycle = [];
for ($i = 0; $i < 60; $i++) {
    $point = $point->moved($i, -1);
    $copy = clone $point;
    $copy->next = $point;
    $sum += strlen((string) $copy) + strlen($point->unknown($i)) + ($point instanceof Stringable ? 1 : 0) + ($copy?->next?->x ?? 0) + spl_object_id($copy) % 2;
    $ring = new stdClass();
    $ring->self = $ring;
    $cycle[$i % 5] = $ring;
}
$stored = serialize([$groups, $merged, $point, true, null, 1.5, 'text']);
$loaded = unserialize($stored, ['allowed_classes' => [Point::class]]);
$exported = var_export($groups, true) . print_r($pairs, true);
ob_start();
var_dump($groups['Bern'] ?? null);
$dumped = ob_get_clean();

$compose = static fn(callable ...$steps): Closure => static fn(mixed $x): mixed => array_reduce($steps, static fn($carry, $step) => $step($carry), $x);
$counter = function (): int { static $n = 0; return ++$n; };
$run = $compose('abs', static fn($x) => $x + 1, strval(...), $counter(...) === null ? 'trim' : 'strrev', fn($x) => $x . $total);
for ($i = 0; $i < 50; $i++) {
    $sum += strlen($run(-$i)) + $counter();
}

$date = new DateTimeImmutable('2026-02-27 13:05:00', new DateTimeZone('Europe/Berlin'));
$dates = [];
for ($i = 0; $i < 15; $i++) {
    $date = $date->modify('+1 day')->add(new DateInterval('PT3H'));
    $dates[] = $date->format('Y-m-d H:i:s P D jS F') . $date->setTimezone(new DateTimeZone('America/New_York'))->format(DATE_RFC2822) . $date->diff(new DateTime('2025-01-01'))->format('%R%a %h');
    $sum += strtotime('2026-01-01 +' . $i . ' weeks') % 7 + (int) checkdate(2, 29, 2024) + mktime(12, 0, 0, 1 + $i % 12, 1, 2025) % 5;
}
foreach (new DatePeriod(new DateTime('2026-01-01'), new DateInterval('P1W'), 5) as $day) {
    $dates[] = $day->format('W');
}

$queue = new SplPriorityQueue();
$storage = new SplObjectStorage();
$heap = new SplMinHeap();
$fixed = SplFixedArray::fromArray(array_slice($sorted, 0, 40));
$map = new WeakMap();
foreach ($fixed as $i => $n) {
    $queue->insert("job $i", $n);
    $heap->insert([$n, $i]);
    $map[$point] = $n;
    $storage[$cycle[$i % 5]] = $i;
}
while (!$queue->isEmpty() && $sum % 1000 !== 999) {
    $sum += strlen($queue->extract());
}
$iterator = new LimitIterator(new CallbackFilterIterator(new ArrayIterator($sorted), static fn($n) => $n % 3 === 0), 0, 30);
$sum += array_sum(iterator_to_array($iterator, false)) + count($storage) + count($map) + $heap->top()[0];
$object = new ArrayObject(['b' => 1, 'a' => 2]);
$object->ksort();
$object['c'] = 3;
echo $sum, ' ', $found, ' ', strlen($stored . $exported . $dumped), ' ', count($loaded), ' ', implode(',', $dates), json_encode([$groups, $walk, $turned[3], $pick, count($chunks), count($reversed), $object->getArrayCopy()]), "\n";
