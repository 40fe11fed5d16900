<?php
// SPDX-License-Identifier: MIT
// What the runner compares before it measures: both sides must run the same PHP with the same settings.
$status = opcache_get_status(false);
header('Content-Type: application/json');
echo json_encode([
    'version' => PHP_VERSION,
    'zts' => (bool) PHP_ZTS,
    'opcache' => $status !== false && $status['opcache_enabled'],
    'hello_is_cached' => opcache_is_script_cached(__DIR__ . '/hello.php'),
    'jit' => $status !== false && $status['jit']['on'],
    'settings' => array_map('ini_get', array_combine($names = [
        'opcache.memory_consumption', 'opcache.interned_strings_buffer', 'opcache.max_accelerated_files',
        'opcache.validate_timestamps', 'opcache.revalidate_freq', 'opcache.jit', 'opcache.jit_buffer_size',
        'memory_limit', 'output_buffering', 'variables_order', 'register_argc_argv', 'auto_globals_jit', 'expose_php',
        'realpath_cache_size', 'realpath_cache_ttl', 'zend.assertions', 'display_errors', 'log_errors',
    ], $names)),
    'extensions' => (function () {
        $names = array_map('strtolower', get_loaded_extensions());
        sort($names);
        return $names;
    })(),
]);
