<?php
// Failures and ends of all kinds.
declare(strict_types=1);

$GLOBALS['boot'] = bin2hex(random_bytes(8));

final class Leaver
{
    public function __construct(private string $text, private bool $throws = false)
    {
    }
    public function __destruct()
    {
        echo "[{$this->text}]";
        if ($this->throws) {
            throw new LogicException('in a destructor');
        }
    }
}

function deeper(int $n): int
{
    return 1 + array_sum(array_map('deeper', [$n + 1]));
}

$n = fn (): string => $_GET['n'] ?? '';

$cases = [
    'alive' => fn () => print($GLOBALS['boot'] . ' ' . $n() . ' ' . http_response_code()),
    'throw' => function () use ($n) {
        header('X-N: ' . $n());
        throw new LogicException('case throw ' . $n());
    },
    'throw error' => fn () => no_such_function(),
    'throw type' => fn () => strlen(123),
    'throw after output' => function () use ($n) {
        header('X-N: ' . $n());
        echo 'before ', $n();
        flush();
        throw new LogicException('case after output');
    },
    'throw in buffer' => function () use ($n) {
        ob_start();
        echo 'buffered ', $n();
        ob_start(fn ($text) => "<$text>");
        echo 'inner';
        throw new LogicException('case in buffer');
    },
    'throw with status' => function () {
        http_response_code(503);
        throw new LogicException('case with status');
    },
    'throw in generator' => function () {
        $g = (function () {
            yield 1;
            throw new LogicException('case in generator');
        })();
        foreach ($g as $value) {
        }
    },
    'throw in fiber' => fn () => (new Fiber(fn () => throw new LogicException('case in fiber')))->start(),
    'throw previous' => fn () => throw new LogicException('case outer', 3, new RuntimeException('case inner')),
    'throw in finally' => function () {
        try {
            throw new LogicException('case first');
        } finally {
            throw new LogicException('case second');
        }
    },
    'throw in destructor' => function () use ($n) {
        $leaver = new Leaver($n(), true);
        echo 'body ';
    },
    'throw in output' => function () use ($n) {
        ob_start(fn () => throw new LogicException('case in output'));
        echo 'text ', $n();
    },
    'throw in callback' => function () use ($n) {
        header_register_callback(fn () => throw new LogicException('case in callback'));
        echo 'text ', $n();
    },
    'throw after finish' => function () use ($n) {
        echo 'whole ', $n();
        fastcgi_finish_request();
        throw new LogicException('case after finish');
    },
    'recursion' => fn () => print(deeper(1)),
    'catch' => function () use ($n) {
        try {
            throw new LogicException('caught ' . $n());
        } catch (Exception $e) {
            echo $e->getMessage();
        } finally {
            echo ' finally';
        }
    },
    'handler' => function () use ($n) {
        set_exception_handler(function (Throwable $e) {
            http_response_code(418);
            echo 'handled ', $e->getMessage();
        });
        throw new LogicException('case handler ' . $n());
    },
    'exit' => function () use ($n) {
        header('X-N: ' . $n());
        echo 'before ', $n();
        exit;
    },
    'exit text' => function () use ($n) {
        echo 'before ';
        exit('text ' . $n());
    },
    'exit status' => function () use ($n) {
        http_response_code(202);
        echo 'status ', $n();
        exit((int) $_GET['s']);
    },
    'exit buffered' => function () use ($n) {
        ob_start();
        ob_start(fn ($text) => strtoupper($text));
        echo 'buffered ', $n();
        exit;
    },
    'exit shutdown' => function () use ($n) {
        $text = 'bye ' . $n();
        register_shutdown_function(function () use ($text) {
            header('X-Bye: ' . $text);
            echo " $text";
        });
        echo 'body';
        exit;
    },
    'exit destructor' => function () use ($n) {
        http_response_code(500);
        $leaver = new Leaver('dump ' . $n());
        exit;
    },
    'exit deep' => function () use ($n) {
        $f = function (int $depth) use (&$f, $n) {
            try {
                if ($depth === 0) {
                    echo 'deep ', $n();
                    exit;
                }
                $f($depth - 1);
            } finally {
                echo ' never';
            }
        };
        array_map(fn () => $f(20), [1]);
    },
    'exit in fiber' => function () use ($n) {
        (new Fiber(function () use ($n) {
            echo 'fiber ', $n();
            exit;
        }))->start();
        echo 'never';
    },
    'exit in generator' => function () use ($n) {
        foreach ((function () use ($n) {
            yield 1;
            echo 'generator ', $n();
            exit;
        })() as $value) {
        }
    },
    'exit in output' => function () use ($n) {
        ob_start(function ($text) {
            exit;
        });
        echo 'text ', $n();
    },
    'exit after finish' => function () use ($n) {
        echo 'whole ', $n();
        fastcgi_finish_request();
        exit(0);
    },
    'exit in include' => function () use ($n) {
        $_GET['text'] = 'included ' . $n();
        include __DIR__ . '/errors_exit.inc';
    },
    'exit catch' => function () use ($n) {
        try {
            echo 'try ', $n();
            exit;
        } catch (Throwable $e) {
            echo 'caught exit';
        }
    },
    'fatal' => function () use ($n) {
        header('X-N: ' . $n());
        eval('class Exception {}');
    },
    'fatal after output' => function () use ($n) {
        echo 'before ', $n();
        flush();
        eval('class Exception {}');
    },
    'fatal shutdown' => function () use ($n) {
        $text = 'last words ' . $n();
        register_shutdown_function(function () use ($text) {
            http_response_code(503);
            echo $text, ' ', error_get_last()['type'];
        });
        eval('class Exception {}');
    },
    'user error' => fn () => @trigger_error('case user error', E_USER_ERROR),
    'parse' => fn () => eval('this is no PHP'),
    'require' => fn () => require __DIR__ . '/not-there.inc',
    'memory' => function () {
        ini_set('memory_limit', '16M');
        $list = [];
        while (true) {
            $list[] = str_repeat('x', 100_000);
        }
    },
    'time' => function () {
        set_time_limit(1);
        while (true) {
        }
    },
    'warning' => function () use ($n) {
        trigger_error('case warning ' . $n(), E_USER_WARNING);
        echo phpsrv_request_id();
    },
    'error log' => function () use ($n) {
        error_log('case error_log ' . $n());
        echo phpsrv_request_id();
    },
    'log' => function () use ($n) {
        phpsrv_log('case log ' . $n(), 'warning', ['n' => $n()]);
        echo phpsrv_request_id();
    },
    'frankenphp log' => function () use ($n) {
        frankenphp_log('case frankenphp_log ' . $n(), FRANKENPHP_LOG_LEVEL_WARN, ['n' => $n()]);
        echo phpsrv_request_id();
    },
    'displayed' => function () use ($n) {
        $old = [ini_set('display_errors', '1'), ini_set('html_errors', '0')];
        trigger_error('shown ' . $n());
        ini_set('display_errors', $old[0]);
        ini_set('html_errors', $old[1]);
    },
    'last error' => function () {
        $before = error_get_last();
        @trigger_error('remembered');
        $after = error_get_last()['message'];
        error_clear_last();
        echo json_encode([$before, $after]);
    },
    'nested' => function () {
        try {
            frankenphp_handle_request(fn () => print('inner'));
            echo 'nothing thrown';
        } catch (RuntimeException $e) {
            echo 'refused: ', $e->getMessage();
        }
    },
    'wrong argument' => function () {
        try {
            frankenphp_handle_request('no such function');
        } catch (TypeError $e) {
            echo 'TypeError';
        }
    },
    'silent' => fn () => print(@file_get_contents('/not/there') === false ? 'false' : 'true'),
];
// Who leaves says which life of the script that ends.
foreach ($cases as $name => $case) {
    if (str_starts_with($name, 'exit')) {
        $cases[$name] = function () use ($case): void {
            header('X-Boot: ' . $GLOBALS['boot']);
            $case();
        };
    }
}

// the usual loop
