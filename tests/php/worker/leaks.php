<?php
// One request hides a secret in every kind of state; the next one looks everywhere.
declare(strict_types=1);

function secret(): string
{
    return $_SERVER['HTTP_X_SECRET'];
}

final class SecretWrapper
{
    public $context;
}

final class Keeper
{
    public static mixed $kept = null;
}

// What the server puts back itself, in every profile.
$plant = [
    'superglobals' => function () {
        foreach (['_GET', '_POST', '_COOKIE', '_SERVER', '_REQUEST', '_FILES'] as $name) {
            $GLOBALS[$name]['planted'] = secret();
        }
    },
    'request' => fn () => print(count($_GET) + count($_POST) + count($_COOKIE) + count($_FILES) + strlen(file_get_contents('php://input'))),
    'session' => function () {
        session_start();
        $_SESSION['planted'] = secret();
        session_write_close();
    },
    'open session' => function () {
        session_start();
        $_SESSION['planted'] = secret();
    },
    'session id' => function () {
        session_id(secret());
        session_start();
        $_SESSION['planted'] = 1;
    },
    'session variable' => fn () => $_SESSION = ['planted' => secret()],
    'session after exit' => function () {
        session_start();
        $_SESSION['planted'] = secret();
        exit;
    },
    'session after exception' => function () {
        session_start();
        $_SESSION['planted'] = secret();
        throw new LogicException('planted');
    },
    'buffers' => function () {
        ob_start();
        echo secret();
        ob_start(fn ($text) => $text);
        echo secret();
        ob_start();
    },
    'buffer after exception' => function () {
        ob_start(fn ($text) => throw new LogicException('planted'));
        echo secret();
    },
    'fields' => function () {
        header('X-Planted: ' . secret());
        header('Set-Cookie: a=' . secret(), false);
        setcookie('b', secret());
        http_response_code(418);
        header('Content-Type: text/' . secret());
    },
    'fields after exception' => function () {
        header('X-Planted: ' . secret());
        throw new LogicException('planted');
    },
    'field callback' => function () {
        $secret = secret();
        header_register_callback(fn () => header('X-Planted: ' . $secret));
    },
    'late fields' => function () {
        echo 'x';
        fastcgi_finish_request();
        @header('X-Planted: ' . secret());
        @setcookie('planted', secret());
        echo secret();
        ob_start();
        echo secret();
    },
    'rewritten links' => function () {
        ini_set('url_rewriter.hosts', 'test.example');
        ini_set('url_rewriter.tags', 'a=href');
        output_add_rewrite_var('planted', secret());
        echo '<a href="x.php">';
    },
    'kept input' => function () {
        Keeper::$kept = fopen('php://input', 'r');
    },
    'upload' => fn () => print($_FILES['f']['tmp_name']),
    'credentials' => fn () => print(strlen($_SERVER['PHP_AUTH_USER'] . $_SERVER['PHP_AUTH_PW'])),
    'path' => fn () => print(strlen($_SERVER['PATH_INFO'])),
    'filter' => fn () => print(strlen((string) filter_input(INPUT_GET, 'planted'))),
    'environment of CGI' => fn () => print(strlen((string) getenv('QUERY_STRING'))),
    'unfinished' => function () {
        ob_start(fn ($text) => $text . $_GET['planted']);
        echo secret();
        exit;
    },
    'early hints' => function () {
        header('Link: <' . secret() . '>');
        headers_send(103);
        header_remove('Link');
    },
    'streamed' => function () {
        header('X-Planted: ' . secret());
        echo secret();
        flush();
        throw new LogicException('planted');
    },
    'tokens' => fn () => strtok('first ' . secret() . ' third', ' '),
    'output stream' => function () {
        Keeper::$kept = fopen('php://output', 'w');
        fwrite(Keeper::$kept, secret());
    },
];

// State of the engine, which the compatible profile leaves to the application and the strict one puts back.
$engine = [
    'ini' => fn () => ini_set('user_agent', secret()),
    'ini of the session' => fn () => session_name(secret()),
    'putenv' => fn () => putenv('PLANTED=' . secret()),
    'folder' => function () {
        mkdir($folder = sys_get_temp_dir() . '/' . secret());
        chdir($folder);
    },
    'time zone' => fn () => date_default_timezone_set('Antarctica/Troll'),
    'locale' => fn () => setlocale(LC_ALL, 'C.UTF-8'),
    'error handler' => fn () => set_error_handler([new class (secret()) { public function __construct(public string $secret) { } public function h() { return false; } }, 'h']),
    'exception handler' => fn () => set_exception_handler([new class (secret()) { public function __construct(public string $secret) { } public function h() { } }, 'h']),
    'last error' => fn () => @trigger_error(secret()),
    'multibyte' => fn () => mb_internal_encoding('ISO-8859-7') && mb_substitute_character(0x2603) && mb_language('Korean'),
    'stream context' => fn () => stream_context_set_default(['http' => ['user_agent' => secret()]]),
    'mask' => fn () => umask(0o137),
    'error reporting' => fn () => error_reporting(1),
    'xml errors' => function () {
        libxml_use_internal_errors(true);
        simplexml_load_string('<' . secret());
    },
    'seed' => fn () => mt_srand(20),
    'shutdown function' => function () {
        $secret = secret();
        register_shutdown_function(fn () => error_log('shut down ' . strlen($secret)));
    },
    'tick function' => function () {
        $secret = secret();
        register_tick_function($f = fn () => print($secret));
    },
    'environment array' => fn () => $_ENV['planted'] = secret(),
    'default folder handle' => function () {
        mkdir($folder = sys_get_temp_dir() . '/d' . secret());
        touch("$folder/" . secret());
        opendir($folder);
    },
    'scale' => fn () => function_exists('bcscale') && bcscale(17),
    'abort' => fn () => ignore_user_abort(false),
    'time limit' => fn () => set_time_limit(77),
    'assertions' => fn () => ini_set('assert.callback', secret()),
    'response fields of a stream' => function () {
        $server = stream_socket_server('tcp://127.0.0.1:0');
        $name = stream_socket_get_name($server, false);
        if (function_exists('http_clear_last_response_headers')) {
            http_clear_last_response_headers();
        }
        $http_response_header = [secret()];
    },
];

function everything(): array
{
    $seen = [];
    // First, before anything changes it.
    $seen['last error'] = error_get_last();
    $seen['tokens'] = strtok(' ');
    $seen['variables'] = array_diff_key($GLOBALS, array_flip(['plant', 'engine', 'handler', '_GET', '_POST', '_COOKIE', '_FILES', '_SERVER', '_REQUEST', '_ENV', '_SESSION']));
    $seen['superglobals'] = [$_GET, $_POST, $_COOKIE, $_FILES, array_diff_key($_SERVER, array_flip(['REMOTE_PORT', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'UNIQUE_ID'])), $_REQUEST, $_ENV];
    $seen['session'] = [session_status(), session_id(), session_name(), $_SESSION ?? null, session_get_cookie_params(), session_module_name(), session_cache_limiter()];
    $seen['response'] = [headers_list(), http_response_code(), headers_sent()];
    $seen['output'] = [ob_get_level(), ob_get_status(true), ob_get_contents()];
    $seen['input'] = [file_get_contents('php://input'), getallheaders()];
    $seen['filter'] = [filter_input_array(INPUT_GET), filter_input_array(INPUT_POST), filter_input_array(INPUT_COOKIE)];
    $seen['environment'] = [getenv(), getenv('QUERY_STRING'), getenv('REQUEST_URI'), getenv('PATH_INFO')];
    $seen['settings'] = ini_get_all(null, false);
    $seen['world'] = [setlocale(LC_ALL, '0'), getcwd(), umask(), date_default_timezone_get(), error_reporting(), ignore_user_abort(), function_exists('bcscale') ? bcscale() : 0];
    $seen['handlers'] = [set_error_handler(null), set_exception_handler(null)];
    restore_error_handler();
    restore_exception_handler();
    $seen['mb'] = [mb_internal_encoding(), mb_substitute_character(), mb_language(), mb_http_output(), mb_detect_order()];
    $seen['context'] = stream_context_get_options(stream_context_get_default());
    $seen['xml'] = [array_map('get_object_vars', libxml_get_errors()), libxml_use_internal_errors()];
    $seen['codes'] = [json_last_error(), preg_last_error(), connection_status()];
    $seen['loader'] = [count(spl_autoload_functions()), stream_get_wrappers(), stream_get_filters()];
    $seen['constants'] = get_defined_constants(true)['user'] ?? [];
    $seen['folder'] = Folder::next();
    foreach (get_resources('stream') as $stream) {
        $meta = stream_get_meta_data($stream);
        $text = str_starts_with($meta['uri'] ?? '', 'php://') && !in_array($meta['uri'], ['php://output', 'php://stderr'], true) ? @stream_get_contents($stream, -1, 0) : null;
        $seen['streams'][] = [$meta['stream_type'], $meta['uri'] ?? null, $text];
    }
    if (is_resource(Keeper::$kept)) {
        $seen['kept'] = get_resource_type(Keeper::$kept);
    }
    mt_rand();
    $seen['random'] = mt_rand();
    return $seen;
}

final class Folder
{
    public static function next(): mixed
    {
        try {
            rewinddir();
            return [readdir(), readdir(), readdir()];
        } catch (Throwable $e) {
            return null;
        }
    }
}

$handler = function () use ($plant, $engine): void {
    $case = $_SERVER['HTTP_X_CASE'];
    if ($case === 'look') {
        $seen = everything();
        echo '<a href="x.php">'; // where a rewriter would add something
        echo json_encode($seen, JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
    } elseif ($case === 'look into a session') {
        session_start();
        echo json_encode([session_id(), $_SESSION]);
    } elseif ($case === 'kinds') {
        echo json_encode([array_keys($plant), array_keys($engine)]);
    } else {
        ($plant[$case] ?? $engine[$case])();
    }
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    while (frankenphp_handle_request($handler)) {
    }
} else {
    $handler();
}
