<?php
/* The demo page: shows that PHP runs, how, and for which request.  SPDX-License-Identifier: MIT */
$info = function_exists('phpsrv_server_info') ? phpsrv_server_info() : [];
$status = function_exists('opcache_get_status') ? @opcache_get_status(false) : false;
$cached = function_exists('opcache_is_script_cached') && @opcache_is_script_cached(__FILE__);
$jit = $status['jit']['on'] ?? false;

$rows = [
    'PHP' => PHP_VERSION . (PHP_ZTS ? ', thread-safe' : ''),
    'Server' => trim(($info['server'] ?? $_SERVER['SERVER_SOFTWARE'] ?? '?') . ' ' . ($info['version'] ?? '')),
    'SAPI' => PHP_SAPI,
    'opcache' => $status ? 'on, ' . ($cached ? 'this page is cached' : 'this page will be cached') : 'off',
    'JIT' => $jit ? 'on (' . ini_get('opcache.jit') . ')' : 'off',
    'Worker' => isset($info['worker']) ? "number {$info['worker']}, {$info['workers']} in all" : '-',
    'Request' => function_exists('phpsrv_request_id') ? phpsrv_request_id() : '-',
    'Protocol' => ($_SERVER['SERVER_PROTOCOL'] ?? '?') . ' from ' . ($_SERVER['REMOTE_ADDR'] ?? '?'),
    'Memory' => number_format(memory_get_peak_usage() / 1024) . ' KiB at most',
    'Time' => number_format((microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']) * 1000, 2) . ' ms so far',
];
$e = static fn (string $text): string => htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
?>
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>phpsrv</title>
<style>
:root { color-scheme: light dark; --ink: #1f2433; --dim: #6a7285; --page: #f4f5f9; --card: #fff; --line: #e3e6ef; --mark: #5b5fc7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaf2; --dim: #9aa2b8; --page: #14161f; --card: #1d202c; --line: #2c3040; --mark: #9ea2ff; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem 1rem; background: var(--page);
       color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: min(38rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
       padding: 2rem 2.25rem; box-shadow: 0 10px 30px rgb(0 0 0 / .06); }
h1 { margin: 0; font-size: 1.6rem; letter-spacing: -.02em; }
h1 span { color: var(--mark); }
p { margin: .4rem 0 1.4rem; color: var(--dim); }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 0; border-top: 1px solid var(--line); }
dt, dd { padding: .55rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--dim); padding-right: 1.5rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
  <h1><span>php</span>srv is running PHP</h1>
  <p>Replace this folder with your own document root.</p>
  <dl>
<?php foreach ($rows as $name => $value): ?>
    <dt><?= $e($name) ?></dt><dd><?= $e($value) ?></dd>
<?php endforeach ?>
  </dl>
</main>
</body>
</html>
