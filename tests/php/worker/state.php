<?php
// What lasts as long as the script, and what only as long as a request.
declare(strict_types=1);

$GLOBALS['boot'] = bin2hex(random_bytes(8)); // tells one life of the script from another
$GLOBALS['visits'] = [];

function tell(mixed $seen): void
{
    echo json_encode($seen, JSON_THROW_ON_ERROR);
}

function visit(string $name): int
{
    return $GLOBALS['visits'][$name] = ($GLOBALS['visits'][$name] ?? 0) + 1;
}

final class Counter
{
    public static int $count = 0;
    public static array $map = [];
}

spl_autoload_register(function (string $class): void {
    visit("autoload $class");
    if (str_starts_with($class, 'Loaded')) {
        eval("final class $class { public static int \$n = 0; public static function next(): int { return ++self::\$n; } }");
    }
});

final class Noisy
{
    public function __construct(private string $name)
    {
    }
    public function __destruct()
    {
        Counter::$map['gone'][] = $this->name;
        echo "[$this->name]";
    }
}

final class UpperWrapper
{
    public $context;
    private string $text;
    private int $at = 0;
    public function stream_open(string $path): bool
    {
        $this->text = strtoupper(substr($path, strpos($path, '://') + 3));
        return true;
    }
    public function stream_read(int $count): string
    {
        $part = substr($this->text, $this->at, $count);
        $this->at += strlen($part);
        return $part;
    }
    public function stream_eof(): bool
    {
        return $this->at >= strlen($this->text);
    }
    public function stream_stat(): array
    {
        return [];
    }
}

final class Rot extends php_user_filter
{
    public function filter($in, $out, &$consumed, bool $closing): int
    {
        while ($bucket = stream_bucket_make_writeable($in)) {
            $bucket->data = str_rot13($bucket->data);
            $consumed += $bucket->datalen;
            stream_bucket_append($out, $bucket);
        }
        return PSFS_PASS_ON;
    }
}

function numbers(): Generator
{
    $i = 0;
    while (true) {
        yield ++$i;
    }
}

$n = fn (): string => $_GET['n'] ?? '';

$cases = [
    'static' => function () {
        static $calls = 0;
        tell([$GLOBALS['boot'], ++$calls, phpsrv_worker_id(), $_GET['n']]);
    },
    'class' => fn () => tell([$GLOBALS['boot'], ++Counter::$count]),
    'global' => function () {
        global $counter;
        $counter = ($counter ?? 0) + 1;
        $GLOBALS['other'] = ($GLOBALS['other'] ?? 0) + 1;
        tell([$GLOBALS['boot'], $counter, $GLOBALS['other']]);
    },
    'local' => function () {
        $fresh = isset($local);
        $local = $_GET['n'];
        tell([$fresh, $local]);
    },
    'include' => function () {
        $first = include_once __DIR__ . '/state_once.inc';
        tell([$GLOBALS['boot'], visit('include'), is_array($first), ONCE, once_function(), in_array(__DIR__ . '/state_once.inc', get_included_files(), true)]);
    },
    'autoload' => fn () => tell([$GLOBALS['boot'], LoadedOne::next(), visit('calls'), $GLOBALS['visits']['autoload LoadedOne'], class_exists('NotThere')]),
    'constant' => function () {
        $had = defined('MINE');
        if (!$had) {
            define('MINE', $_GET['n']);
        }
        tell([$GLOBALS['boot'], $had, visit('constant'), MINE === $_GET['n'] || $had]);
    },
    'generator' => function () {
        static $numbers = null;
        $numbers ??= numbers();
        $value = $numbers->current();
        $numbers->next();
        tell([$GLOBALS['boot'], $value]);
    },
    'local generator' => function () {
        $make = function (string $n) {
            try {
                yield "a$n";
                yield "b$n";
            } finally {
                echo 'finally ';
            }
        };
        foreach ($make($_GET['n']) as $value) {
            echo $value, ' ';
            break;
        }
    },
    'fiber' => function () {
        $fiber = new Fiber(function (string $n): string {
            $got = Fiber::suspend("asked $n");
            echo "resumed with $got ";
            $inner = new Fiber(fn () => Fiber::suspend($_GET['n']));
            return "done $n " . $inner->start();
        });
        echo $fiber->start($_GET['n']), ' ';
        $fiber->resume('x' . $_GET['n']);
        echo $fiber->getReturn();
    },
    'fiber over requests' => function () {
        static $fiber = null;
        if ($fiber === null) {
            $fiber = new Fiber(function () {
                for ($i = 1; ; $i++) {
                    Fiber::suspend([$i, $_GET['n'] ?? null]);
                }
            });
            $seen = $fiber->start();
        } else {
            $seen = $fiber->resume();
        }
        tell([$GLOBALS['boot'], ...$seen]);
    },
    'fiber that throws' => function () {
        $fiber = new Fiber(fn () => throw new LogicException('in a fiber ' . $_GET['n']));
        try {
            $fiber->start();
        } catch (LogicException $e) {
            echo $e->getMessage();
        }
    },
    'gc' => function () {
        for ($i = 0; $i < 200; $i++) {
            $a = new stdClass;
            $a->self = $a;
            $a->load = str_repeat('x', 1000);
        }
        unset($a);
        tell([gc_enabled(), gc_collect_cycles() >= 0, memory_get_usage() < 32_000_000]);
    },
    'peak' => function () {
        $before = memory_get_peak_usage();
        $load = str_repeat('x', 10_000_000 + strlen($_GET['n']));
        tell([$before < 9_000_000, memory_get_peak_usage() > 10_000_000]);
    },
    'putenv' => function () {
        $seen = getenv('MARK');
        putenv('MARK=' . $GLOBALS['boot']);
        tell([$GLOBALS['boot'], $seen, getenv('MARK'), isset($_ENV['MARK']), isset($_SERVER['MARK'])]);
    },
    'env array' => function () {
        $seen = $_ENV['mark'] ?? null;
        $_ENV['mark'] = $GLOBALS['boot'];
        tell([$GLOBALS['boot'], $seen, $_SERVER['mark'] ?? null]);
    },
    'ini' => function () {
        $seen = ini_get('precision');
        ini_set('precision', '7');
        tell([$GLOBALS['boot'], $seen, visit('ini')]);
    },
    'ini restored' => function () {
        $seen = ini_get('serialize_precision');
        ini_set('serialize_precision', '5');
        ini_restore('serialize_precision');
        tell($seen);
    },
    'locale' => function () {
        $seen = setlocale(LC_NUMERIC, '0');
        setlocale(LC_NUMERIC, 'C.UTF-8');
        tell([$GLOBALS['boot'], $seen, visit('locale')]);
    },
    'timezone' => function () {
        $seen = date_default_timezone_get();
        date_default_timezone_set('Asia/Tokyo');
        tell([$GLOBALS['boot'], $seen, visit('timezone')]);
    },
    'cwd' => fn () => tell([getcwd() === __DIR__, file_exists('state_once.inc')]),
    'chdir' => function () {
        $seen = getcwd();
        chdir('/');
        tell([$GLOBALS['boot'], $seen, visit('chdir')]);
    },
    'chdir back' => function () {
        chdir(__DIR__);
        tell(getcwd() === __DIR__);
    },
    'error handler' => function () {
        static $previous = false;
        if ($previous === false) {
            $previous = set_error_handler(function (int $level, string $message) {
                Counter::$map['errors'][] = $message;
                return true;
            });
        }
        Counter::$map['errors'] = [];
        trigger_error('for the handler ' . $_GET['n'], E_USER_WARNING);
        $seen = Counter::$map['errors'];
        $undefined = $GLOBALS['no such variable'] ?? null;
        tell([$GLOBALS['boot'], $seen, visit('error handler')]);
    },
    'error handler off' => function () {
        restore_error_handler();
        tell(1);
    },
    'handle' => function () {
        static $file = null;
        $file ??= fopen('php://memory', 'w+');
        fwrite($file, 'x');
        $meta = fstat($file);
        tell([$GLOBALS['boot'], $meta['size']]);
    },
    'wrapper' => function () {
        if (!in_array('upper', stream_get_wrappers(), true)) {
            stream_wrapper_register('upper', UpperWrapper::class);
        }
        tell([file_get_contents('upper://text' . $_GET['n']), $GLOBALS['boot']]);
    },
    'filter' => function () {
        if (!in_array('own.rot', stream_get_filters(), true)) {
            stream_filter_register('own.rot', Rot::class);
        }
        echo file_get_contents('php://filter/read=own.rot|string.toupper/resource=data:,text' . $_GET['n']);
    },
    'destructor' => function () {
        Counter::$map['gone'] = [];
        $object = new Noisy('local' . $_GET['n']);
        echo 'body';
    },
    'destructors so far' => fn () => tell(Counter::$map['gone'] ?? []),
    'shutdown' => function () {
        $name = $_GET['n'];
        register_shutdown_function(function () use ($name) {
            file_put_contents(sys_get_temp_dir() . '/shutdown', "$name\n", FILE_APPEND | LOCK_EX);
            echo "shutdown $name";
        });
        echo 'body ', $name;
    },
    'server' => function () {
        $seen = $_SERVER['ADDED'] ?? null;
        $_SERVER['ADDED'] = 'x';
        tell($seen);
    },
    'random' => fn () => tell([mt_rand(), random_int(0, PHP_INT_MAX), bin2hex(random_bytes(8)), uniqid('', true)]),
    'time limit' => fn () => tell([ini_get('max_execution_time'), visit('time limit')]),
    'assert' => fn () => tell([error_get_last(), json_last_error(), preg_last_error()]),
    'closures' => function () {
        static $list = [];
        $list[] = fn () => $_GET['n'] ?? null;
        tell([($list[0])(), count($list), $GLOBALS['boot']]);
    },
    'references' => function () use ($n) {
        $get = &$_GET;
        $get['n'] .= 'x';
        tell([$n(), $_GET]);
    },
    'enum' => fn () => tell(Suit::from($_GET['s'])->name),
    'readonly' => fn () => tell((new ReadOnlyThing($_GET['n']))->n),
    'attributes' => fn () => tell((new ReflectionClass(ReadOnlyThing::class))->getAttributes()[0]->getArguments()),
    'preg' => fn () => tell(preg_replace_callback('/(\d+)/', fn ($m) => $m[1] * 2, 'n=' . $_GET['n'])),
    'datetime' => fn () => tell(abs((new DateTimeImmutable)->getTimestamp() - time()) <= 1),
    'curl' => fn () => tell(extension_loaded('curl') ? is_object(curl_init()) : true),
    'reflection' => fn () => tell((new ReflectionFunction('frankenphp_handle_request'))->isInternal()),
    'backtrace' => fn () => tell(array_column(debug_backtrace(), 'function')),
    'serialize' => fn () => tell(unserialize(serialize([$_GET['n'], new ArrayObject([$_GET['n']])]))[1][0]),
    'weakmap' => function () {
        static $map = new WeakMap;
        static $kept = [];
        $object = new stdClass;
        $map[$object] = $_GET['n'];
        tell(count($map));
    },
];

enum Suit: string
{
    case Hearts = 'h';
    case Spades = 's';
}

#[Attribute]
final class Mark
{
    public function __construct(public string $text = '')
    {
    }
}

#[Mark('text')]
final readonly class ReadOnlyThing
{
    public function __construct(public string $n)
    {
    }
}

// the usual loop
