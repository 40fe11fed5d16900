<?php
// A script that tells of its life in a file, and can be held.
declare(strict_types=1);

$GLOBALS['boot'] = bin2hex(random_bytes(8));

function note(string $text): void
{
    file_put_contents(sys_get_temp_dir() . '/life', "{$GLOBALS['boot']} $text\n", FILE_APPEND | LOCK_EX);
}

function hold(string $gate): void
{
    touch("$gate.here");
    while (!file_exists($gate)) {
        usleep(1000);
        clearstatcache();
    }
}

final class AtTheEnd
{
    public function __destruct()
    {
        note('destructor');
    }
}

if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    $atTheEnd = new AtTheEnd;
    register_shutdown_function(fn () => note('shutdown'));
    note('boot ' . json_encode([$_SERVER['FRANKENPHP_WORKER'] ?? null, $_SERVER['OUTSIDE'] ?? null, getenv('OUTSIDE'), $_SERVER['REQUEST_METHOD'], basename($_SERVER['SCRIPT_FILENAME']),
        $_SERVER['DOCUMENT_ROOT'] === dirname(__DIR__), $_GET, $_POST, headers_list(), session_status(), file_get_contents('php://input')]));
    echo "hello from the boot\nand a second line\n";
    header('X-Boot: nobody gets it');
    http_response_code(404);
}

$cases = [
    'hello' => fn () => print($GLOBALS['boot'] . ' ' . ($_GET['n'] ?? '')),
    'hold' => function () {
        hold($_GET['gate']);
        echo 'held ', $_GET['n'] ?? '';
    },
    'after' => fn () => print('answer ' . $_GET['n']),
    'exit' => fn () => exit((int) $_GET['s']),
    'fatal' => fn () => eval('class Exception {}'),
    'environment' => fn () => print(json_encode([$_SERVER['FRANKENPHP_WORKER'] ?? null, $_SERVER['OUTSIDE'] ?? null, getenv('OUTSIDE'), getenv('FRANKENPHP_WORKER')])),
    'burn' => function () {
        $end = hrtime(true) + (int) $_GET['ms'] * 1_000_000;
        while (hrtime(true) < $end) {
        }
        echo 'burnt';
    },
    'endless' => function () {
        while (true) {
        }
    },
    'sleep' => fn () => sleep(30),
    'abort' => function () {
        echo 'first part';
        flush();
        hold($_GET['gate']);
        for ($i = 0; $i < 100; $i++) {
            echo str_repeat('more', 1000);
            flush();
        }
        note('after abort ' . json_encode([connection_aborted(), ignore_user_abort()]));
    },
    'large' => function () {
        $part = str_repeat('0123456789abcdef', 4096);
        for ($i = 0; $i < 64; $i++) {
            echo $part;
        }
    },
    'once more' => fn () => print(json_encode([$_SERVER['SERVER_PROTOCOL'], $_SERVER['HTTPS'] ?? '', $_GET['n'] ?? null, $_COOKIE['n'] ?? null, file_get_contents('php://input'),
        $_SERVER['HTTP_HOST'], phpsrv_request_id(), $_SERVER['HTTP_TRACEPARENT'] ?? null, $_SERVER['REQUEST_SCHEME']])),
    'hints' => function () {
        header('Link: </a' . $_GET['n'] . '>; rel=preload');
        headers_send(103);
        echo 'hinted ', $_GET['n'];
    },
    'status' => function () {
        http_response_code(418);
        echo str_repeat('x', (int) $_GET['n']);
    },
    'reset' => fn () => var_dump(opcache_reset()),
];

$handler = function () use ($cases): void {
    $cases[$_SERVER['HTTP_X_CASE']]();
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    $left = (int) (getenv('MAX_REQUESTS') ?: PHP_INT_MAX);
    while ($left-- > 0) {
        if (!frankenphp_handle_request($handler)) {
            note('no more: ' . json_encode(frankenphp_handle_request($handler)));
            break;
        }
        if (($_SERVER['HTTP_X_CASE'] ?? '') === 'after') {
            echo 'nobody sees this';
            header('X-Late: 1');
            hold($_GET['gate']);
            note('after ' . $_GET['n']);
        }
    }
    echo "farewell\n";
    note('loop ended ' . json_encode(isset($_SERVER['HTTP_X_CASE'])));
} else {
    $handler();
}
