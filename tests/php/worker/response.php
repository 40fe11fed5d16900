<?php
// What a response can be made of.
declare(strict_types=1);

function n(): string
{
    return $_GET['n'] ?? '';
}

$cases = [
    'headers' => function () {
        header('X-N: ' . n());
        header('X-Replaced: first');
        header('X-Replaced: ' . n());
        header('X-List: a', false);
        header('X-List: ' . n(), false);
        header('X-Removed: x');
        header_remove('X-Removed');
        header('x-lower:' . n());
        header("X-Odd: \x80\xff" . n());
        echo json_encode(array_values(array_filter(headers_list(), fn ($line) => str_starts_with($line, 'X-List'))));
    },
    'remove all' => function () {
        header('X-A: 1');
        header_remove();
        echo json_encode(headers_list()), n();
    },
    'injection' => function () {
        @header("X-A: 1\r\nX-Injected: " . n());
        @header("X-B: 1\0");
        echo 'ok';
    },
    'plain' => fn () => print(json_encode([headers_list(), http_response_code(), headers_sent(), ob_get_level(), connection_status()])),
    'cookies' => function () {
        setcookie('n', n());
        setcookie('opt', 'a b;c', ['expires' => 2000000000, 'path' => '/p', 'domain' => 'example.org', 'secure' => true, 'httponly' => true, 'samesite' => 'Lax']);
        setrawcookie('raw', 'a%20' . n());
        setcookie('gone', '');
        echo n();
    },
    'status' => function () {
        $status = (int) $_GET['s'];
        $before = http_response_code();
        http_response_code($status);
        header("X-Before: $before");
        header('X-N: ' . n());
        if ($status !== 204 && $status !== 304) {
            echo 'body ', n();
        }
    },
    'status line' => function () {
        header('HTTP/1.1 418 I am a teapot');
        echo n();
    },
    'short status line' => function () {
        header('HTTP/');
        echo n();
    },
    'status field' => function () {
        header('Status: 404 Not Found');
        echo n();
    },
    'redirect' => fn () => header('Location: /next?n=' . n()),
    'redirect 307' => fn () => header('Location: /next?n=' . n(), true, 307),
    'created' => function () {
        http_response_code(201);
        header('Location: /made/' . n());
    },
    'type' => function () {
        header('Content-Type: application/x-test; n=' . n());
        echo n();
    },
    'charset' => function () {
        header('Content-Type: text/x-test');
        echo n();
    },
    'no type' => function () {
        ini_set('default_mimetype', '');
        echo n();
        ini_restore('default_mimetype');
    },
    'length' => function () {
        header('Content-Length: ' . strlen('answer ' . n()));
        echo 'answer ', n();
    },
    'late header' => function () {
        echo 'a', n();
        flush();
        $ok = @header('X-Late: 1');
        echo json_encode([headers_sent($file, $line), basename($file), $line > 0]);
    },
    'callback' => function () {
        $n = n();
        header('X-A: 1');
        header_register_callback(function () use ($n) {
            header("X-Callback: $n");
            header_remove('X-A');
        });
        echo $n;
    },
    'finish' => function () {
        header('X-N: ' . n());
        echo 'answer ', n();
        $first = frankenphp_finish_request();
        echo 'late';
        header('X-Late: 1');
        $second = fastcgi_finish_request();
        file_put_contents(sys_get_temp_dir() . '/finish' . n(), json_encode([$first, $second, connection_status(), file_get_contents('php://input'), n(), headers_sent()]));
    },
    'finish buffered' => function () {
        ob_start();
        ob_start(fn ($text) => strtoupper($text));
        echo 'buffered ', n();
        fastcgi_finish_request();
        echo 'late';
        ob_start();
        echo 'later';
    },
    'finish empty' => function () {
        http_response_code(202);
        fastcgi_finish_request();
    },
    'finish slow' => function () {
        echo 'early ', n();
        fastcgi_finish_request();
        while (!file_exists($_GET['gate'])) {
            usleep(1000);
            clearstatcache();
        }
        touch($_GET['gate'] . '.done');
    },
    'hints' => function () {
        header('Link: </style' . n() . '.css>; rel=preload; as=style');
        $sent = headers_send(103);
        header('X-N: ' . n());
        echo $sent, ' ', http_response_code();
    },
    'hints removed' => function () {
        header('Link: </a>; rel=preload');
        headers_send(103);
        header_remove('Link');
        header('Link: </b' . n() . '>; rel=preload');
        headers_send(103);
        header_remove('Link');
        echo n();
    },
    'send head' => function () {
        header('X-N: ' . n());
        echo json_encode([headers_send(202), headers_sent()]);
        @header('X-Late: 1');
    },
    'stream' => function () {
        for ($i = 0; $i < 5; $i++) {
            echo "part $i of ", n(), "\n";
            flush();
        }
    },
    'stream gate' => function () {
        for ($i = 0; $i < 3; $i++) {
            echo "part $i\n";
            flush();
            while (!file_exists($_GET['gate'] . $i)) {
                usleep(1000);
                clearstatcache();
            }
        }
    },
    'empty flush' => function () {
        header('X-N: ' . n());
        flush();
        usleep(100);
        echo n();
    },
    'large' => function () {
        $text = str_repeat(sprintf('%08d', n()), 1024);
        for ($i = 0; $i < 32; $i++) {
            echo $text;
        }
    },
    'large at once' => fn () => print(str_repeat(sprintf('%08d', n()), 40000)),
    'gzip' => function () {
        header('Content-Type: text/plain');
        for ($i = 0; $i < 500; $i++) {
            echo "line $i of ", n(), "\n";
        }
    },
    'bytes' => function () {
        header('Content-Type: application/octet-stream');
        echo implode('', array_map('chr', range(0, 255))), n();
    },
    'buffers' => function () {
        $level = ob_get_level();
        ob_start();
        echo 'a';
        ob_start(fn ($text) => "[$text]");
        echo n();
        ob_start();
        echo 'gone';
        ob_end_clean();
        ob_end_flush();
        $got = ob_get_clean();
        echo json_encode([$level, ob_get_level() === $level, $got]);
    },
    'buffers left' => function () {
        $levels = ob_get_level();
        ob_start(fn ($text) => "<$text>");
        ob_start();
        ob_start(fn ($text) => strrev($text));
        echo n(), '/', $levels;
    },
    'buffer by chunks' => function () {
        ob_start(fn ($text) => strtoupper($text), 4);
        foreach (['ab', 'cdef', n(), 'x'] as $part) {
            echo $part;
        }
    },
    'buffer that fails' => function () {
        ob_start(function ($text) {
            throw new LogicException('in the buffer');
        });
        echo n();
        try {
            ob_end_flush();
        } catch (LogicException $e) {
            echo 'caught';
        }
    },
    'buffer callback once' => function () {
        static $calls = 0;
        $calls = 0;
        ob_start(function ($text) use (&$calls) {
            $calls++;
            return $text . "($calls)";
        });
        echo n();
    },
    'print' => function () {
        echo print_r([n()], true), var_export(n(), true);
        printf('%05d', n());
        print ' ';
        vprintf('%s', [n()]);
        $out = fopen('php://output', 'w');
        fwrite($out, ' out ' . n());
        fclose($out);
        file_put_contents('php://output', ' end');
        ?> html <?= n() ?>

<?php
    },
    'readfile' => function () {
        $file = tempnam(sys_get_temp_dir(), 'read');
        file_put_contents($file, str_repeat(n() . ' ', 3000));
        readfile($file);
        $f = fopen($file, 'r');
        fpassthru($f);
        unlink($file);
    },
    'response headers' => function () {
        header('X-A: 1');
        header('X-A: ' . n(), false);
        header('X-Blank: b  ');
        echo json_encode(apache_response_headers());
    },
    'rewrite' => function () {
        ini_set('url_rewriter.hosts', 'test.example');
        ini_set('url_rewriter.tags', 'a=href,form=');
        output_add_rewrite_var('v', n());
        echo '<a href="x.php">x</a>';
    },
    'anchor' => fn () => print('<a href="x.php">x</a>'),
    'implicit flush' => function () {
        ob_implicit_flush(true);
        echo 'a';
        echo n();
    },
    'powered by' => function () {
        header_remove('X-Powered-By');
        echo n();
    },
    'nothing' => fn () => null,
    'return' => fn () => 'a value that nobody takes',
    'stderr' => function () {
        file_put_contents('php://stderr', 'to standard error ' . n() . "\n");
        echo defined('STDERR') ? 'defined' : 'undefined', ' ', n();
    },
    'zlib' => function () {
        ob_start('ob_gzhandler');
        header('Content-Type: image/png');
        echo str_repeat(n() . ' compressed by PHP ', 200);
    },
    'aborted' => fn () => print(json_encode([connection_aborted(), ignore_user_abort()])),
];

$handler = function () use ($cases): mixed {
    return $cases[$_SERVER['HTTP_X_CASE']]();
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    while (frankenphp_handle_request($handler)) {
    }
} else {
    $handler();
}
