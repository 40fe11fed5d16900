<?php
// State that extensions keep for a request.
declare(strict_types=1);

function tell(mixed $seen): void
{
    echo json_encode($seen, JSON_THROW_ON_ERROR);
}

final class Callbacks
{
    public static function name(): void
    {
        echo 'static ', $_GET['n'];
    }
    public function __invoke(): void
    {
        echo 'object ', $_GET['n'];
    }
}

$cases = [
    'gzhandler' => function () {
        ob_start('ob_gzhandler');
        header('Content-Type: image/png');
        echo str_repeat("{$_GET['n']} ", 500);
    },
    'compressed by setting' => function () {
        ini_set('zlib.output_compression', '1');
        header('Content-Type: image/png');
        echo str_repeat("{$_GET['n']} ", 500);
        ob_end_flush();
        ini_set('zlib.output_compression', '0');
    },
    'stat' => fn () => tell([is_file($_GET['file']), file_exists($_GET['file']), is_file($_GET['file']) ? filesize($_GET['file']) : -1]),
    'tokens' => function () {
        $first = strtok(' ');
        $mine = strtok($_GET['n'] . ' second third', ' ');
        tell([$first, $mine]);
    },
    'arguments' => fn () => tell([$_SERVER['argv'] ?? null, $_SERVER['argc'] ?? null]),
    'progress' => function () {
        session_start();
        tell([array_keys($_SESSION), $_POST['n'], $_FILES['f']['size']]);
    },
    'send file' => function () {
        header('X-Sendfile: ' . __FILE__);
    },
    'multibyte output' => function () {
        mb_http_output('UTF-8');
        ob_start('mb_output_handler');
        echo 'ü', $_GET['n'];
    },
    'xml' => function () {
        $before = count(libxml_get_errors());
        $old = libxml_use_internal_errors(true);
        $ok = simplexml_load_string("<a>{$_GET['n']}</a>");
        $bad = simplexml_load_string('<a');
        $errors = count(libxml_get_errors());
        libxml_clear_errors();
        libxml_use_internal_errors($old);
        tell([$before, (string) $ok, $bad, $errors > 0]);
    },
    'pdo' => function () {
        static $database = null;
        if ($database === null) {
            $database = new PDO('sqlite::memory:');
            $database->exec('CREATE TABLE t (n INTEGER)');
        }
        $database->prepare('INSERT INTO t VALUES (?)')->execute([$_GET['n']]);
        tell((int) $database->query('SELECT max(rowid) FROM t')->fetchColumn());
    },
    'date' => fn () => tell(date_parse('2026-02-31')['warning_count'] . $_GET['n']),
    'url' => fn () => tell(@file_get_contents('data:text/plain,' . $_GET['n'])),
    'intl' => fn () => tell(extension_loaded('intl') ? intl_get_error_code() : 0),
    'json' => function () {
        $before = json_last_error();
        json_decode('{');
        tell([$before === 0 || $before === JSON_ERROR_SYNTAX, json_last_error()]);
        json_encode(1);
    },
    'server' => fn () => tell([$_SERVER['argv'] ?? null, $_SERVER['QUERY_STRING'], count($_SERVER) > 10]),
];

// the usual loop
