<?php
// Sessions: each request is somebody's.
declare(strict_types=1);

function tell(mixed $seen): void
{
    echo json_encode($seen, JSON_THROW_ON_ERROR);
}

final class Store implements SessionHandlerInterface, SessionUpdateTimestampHandlerInterface
{
    public static array $calls = [];

    private function file(string $id): string
    {
        return sys_get_temp_dir() . "/store_$id";
    }
    public function open(string $path, string $name): bool
    {
        self::$calls[] = 'open';
        return true;
    }
    public function close(): bool
    {
        self::$calls[] = 'close';
        return true;
    }
    public function read(string $id): string
    {
        self::$calls[] = 'read';
        return (string) @file_get_contents($this->file($id));
    }
    public function write(string $id, string $data): bool
    {
        self::$calls[] = 'write';
        return file_put_contents($this->file($id), $data) !== false;
    }
    public function destroy(string $id): bool
    {
        return @unlink($this->file($id));
    }
    public function gc(int $age): int
    {
        return 0;
    }
    public function validateId(string $id): bool
    {
        return is_file($this->file($id));
    }
    public function updateTimestamp(string $id, string $data): bool
    {
        return $this->write($id, $data);
    }
}

// Another request of this worker may have set handlers, which are kept.
function default_handler(): void
{
    session_module_name('files');
}

function own_handler(): void
{
    static $is_set = false;
    if (!$is_set) {
        $is_set = true;
        session_set_save_handler(new Store, false);
    }
}

$cases = [
    'status' => fn () => tell([session_status(), session_id(), session_name(), isset($_SESSION)]),
    'count' => function () {
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        tell([session_id(), $_SESSION['n'], $_GET['n'] ?? null]);
    },
    'login' => function () {
        session_start();
        session_regenerate_id(true);
        $_SESSION['user'] = $_GET['user'];
        header('Location: /home', true, 303);
    },
    'home' => function () {
        session_start(['read_and_close' => true]);
        tell([$_SESSION['user'] ?? null, session_status()]);
    },
    'visit' => function () {
        session_start();
        tell([$_SESSION, session_id()]);
        $_SESSION = ['secret' => $_GET['n']];
    },
    'regenerate' => function () {
        session_start();
        $old = session_id();
        session_regenerate_id(true);
        $_SESSION['n'] = $_GET['n'];
        tell([$old, session_id()]);
    },
    'destroy' => function () {
        session_start();
        $had = $_SESSION;
        $_SESSION = [];
        session_destroy();
        setcookie(session_name(), '', 1);
        tell([$had, session_id(), session_status()]);
    },
    'unset' => function () {
        session_start();
        $had = count($_SESSION);
        session_unset();
        tell($had);
    },
    'abort' => function () {
        session_start();
        $_SESSION['aborted'] = 'x';
        session_abort();
        tell(session_status());
    },
    'write close' => function () {
        session_start();
        $_SESSION['a'] = $_GET['n'];
        session_write_close();
        $_SESSION['b'] = 'not kept';
        $between = session_status();
        session_start();
        tell([$between, $_SESSION]);
    },
    'exit' => function () {
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        echo json_encode([session_id(), $_SESSION['n']]);
        exit;
    },
    'throw' => function () {
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        throw new LogicException('with an open session');
    },
    'fatal' => function () {
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        ini_set('memory_limit', '8M');
        str_repeat('x', 100_000_000);
    },
    'finish' => function () {
        session_start();
        $_SESSION['n'] = $_GET['n'];
        session_write_close();
        fastcgi_finish_request();
        echo 'late';
    },
    'finish open' => function () {
        session_start();
        $_SESSION['before'] = $_GET['n'];
        fastcgi_finish_request();
        $_SESSION['after'] = $_GET['n'];
    },
    'own' => function () {
        own_handler();
        Store::$calls = [];
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        tell([session_id(), $_SESSION['n'], session_module_name(), Store::$calls]);
    },
    'own exit' => function () {
        own_handler();
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        tell([session_id(), $_SESSION['n']]);
        exit;
    },
    'functions' => function () {
        static $is_set = false;
        if (!$is_set) {
            $is_set = true;
            $file = fn (string $id) => sys_get_temp_dir() . "/functions_$id";
            @session_set_save_handler(fn () => true, fn () => true, fn ($id) => (string) @file_get_contents($file($id)),
                fn ($id, $data) => file_put_contents($file($id), $data) !== false, fn ($id) => @unlink($file($id)), fn () => 0);
        }
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        tell([session_id(), $_SESSION['n'], session_module_name()]);
    },
    'strict' => function () {
        default_handler();
        $old = ini_set('session.use_strict_mode', '1');
        session_start();
        $id = session_id();
        session_write_close();
        ini_set('session.use_strict_mode', $old);
        tell($id);
    },
    'by hand' => function () {
        default_handler();
        session_id($_GET['id']);
        $old = ini_set('session.use_cookies', '0');
        session_start();
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
        $seen = [session_id(), $_SESSION['n'], headers_list()];
        session_write_close();
        ini_set('session.use_cookies', $old);
        tell($seen);
    },
    'twice' => function () {
        session_start();
        tell([@session_start(), session_status()]);
    },
    'reference' => function () {
        session_start();
        static $kept = null;
        $seen = is_array($kept) ? array_keys($kept) : null;
        $kept = &$_SESSION;
        $_SESSION['n'] = $_GET['n'];
        tell([$_SESSION]);
    },
    'decode' => function () {
        session_start();
        session_decode('x|s:' . strlen($_GET['n']) . ':"' . $_GET['n'] . '";');
        tell([$_SESSION, session_encode()]);
    },
    'cookie params' => function () {
        session_set_cookie_params(['path' => '/p' . $_GET['n'], 'httponly' => true]);
        session_start();
        tell(session_get_cookie_params()['path']);
    },
];

// the usual loop
