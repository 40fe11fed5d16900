<?php
// What a request brings along. Each case answers with JSON of what it sees.
declare(strict_types=1);

function tell(mixed $seen): void
{
    header('Content-Type: application/json');
    echo json_encode($seen, JSON_THROW_ON_ERROR);
}

final class Reader
{
    public static function request(): array
    {
        return $_REQUEST;
    }
}

$cases = [
    'get' => fn () => tell($_GET),
    'post' => fn () => tell($_POST),
    'cookie' => fn () => tell($_COOKIE),
    'files' => function () {
        $seen = [];
        foreach ($_FILES as $name => $file) {
            $path = $file['tmp_name'];
            $moved = is_array($path) ? null : sys_get_temp_dir() . '/moved' . bin2hex(random_bytes(8));
            if ($moved !== null && $file['error'] === 0) {
                $is_uploaded = is_uploaded_file($path);
                $text = file_get_contents($path);
                $seen[$name] = [$file['name'], $file['type'], $file['size'], $file['error'], $text, $is_uploaded,
                    move_uploaded_file($path, $moved), is_uploaded_file($moved), file_get_contents($moved) === $text, $file['full_path']];
                unlink($moved);
            } elseif ($moved !== null) {
                $seen[$name] = [$file['name'], $file['error'], $path];
            } else {
                $seen[$name] = [$file['name'], array_map('file_get_contents', $path), $file['error']];
            }
        }
        tell([$seen, $_POST]);
    },
    'upload path' => fn () => tell([$_FILES['f']['tmp_name'], is_file($_FILES['f']['tmp_name'])]),
    'server' => fn () => tell($_SERVER),
    'time' => fn () => tell([$_SERVER['REQUEST_TIME'], $_SERVER['REQUEST_TIME_FLOAT'], time()]),
    'request' => fn () => tell(Reader::request()),
    'request included' => fn () => tell(include __DIR__ . '/request_superglobal.inc'),
    'changed' => function () {
        $before = [$_GET, $_POST, $_COOKIE, $_SERVER['MINE'] ?? null, $_REQUEST['added'] ?? null];
        $_GET['added'] = $_POST['added'] = $_COOKIE['added'] = $_REQUEST['added'] = $_SERVER['MINE'] = 'changed';
        unset($_SERVER['HTTP_X_N'], $_FILES);
        $_FILES = ['x' => 1];
        tell($before);
    },
    'unset' => function () {
        $before = [isset($_GET['n']), isset($_POST['n']), isset($_COOKIE['n']), isset($_SERVER['REQUEST_URI']), isset($GLOBALS['_GET'])];
        unset($GLOBALS['_GET'], $GLOBALS['_POST'], $GLOBALS['_COOKIE'], $GLOBALS['_SERVER']);
        tell($before);
    },
    'input' => function () {
        $stream = fopen('php://input', 'r');
        $first = fread($stream, 3);
        tell([bin2hex(file_get_contents('php://input')), $first . stream_get_contents($stream), file_get_contents('php://input') === stream_get_contents($stream, -1, 0),
            $_SERVER['REQUEST_METHOD'], $_SERVER['CONTENT_LENGTH'] ?? null, $_POST]);
    },
    'input hash' => fn () => tell([hash('sha256', file_get_contents('php://input')), $_SERVER['HTTP_X_N']]),
    'input file' => fn () => tell([hash_file('sha256', 'php://input'), strlen(file_get_contents('php://input', false, null, 10, 20))]),
    'input temp' => function () {
        $copy = fopen('php://temp', 'w+');
        $bytes = stream_copy_to_stream(fopen('php://input', 'r'), $copy);
        rewind($copy);
        tell([$bytes, md5(stream_get_contents($copy))]);
    },
    'input kept' => function () {
        static $kept = null;
        $last = null;
        if ($kept !== null) {
            try {
                $last = is_resource($kept) ? fread($kept, 100) . stream_get_contents($kept, -1, 0) : 'closed';
            } catch (TypeError) {
                $last = 'closed';
            }
        }
        $kept = fopen('php://input', 'r');
        tell([$last, stream_get_contents($kept)]);
    },
    'input kept by an object' => function () {
        static $kept = null;
        $last = '';
        if ($kept) {
            $kept->fseek(5);
            $last = $kept->fread(100);
        }
        $kept = new SplFileObject('php://input');
        for ($length = 0; ($piece = $kept->fread(65536)) != ''; $length += strlen($piece));
        tell([$last, $length]);
    },
    'echo input' => function () {
        header('Content-Type: application/octet-stream');
        echo file_get_contents('php://input');
    },
    'parse body' => fn () => tell([request_parse_body(), $_POST, $_FILES]),
    'parse body wrong' => function () {
        try {
            request_parse_body();
        } catch (Throwable $problem) {
            tell([get_class($problem)]);
        }
    },
    'fields' => fn () => tell([getallheaders(), apache_request_headers() === getallheaders()]),
    'field' => fn () => tell([bin2hex($_SERVER['HTTP_X_ODD'] ?? 'none'), $_SERVER['HTTP_X_N']]),
    'auth' => fn () => tell([$_SERVER['PHP_AUTH_USER'] ?? null, $_SERVER['PHP_AUTH_PW'] ?? null, $_SERVER['PHP_AUTH_DIGEST'] ?? null, $_SERVER['HTTP_AUTHORIZATION'] ?? null]),
    'path' => fn () => tell([$_SERVER['PATH_INFO'] ?? '', $_SERVER['PHP_SELF'], $_SERVER['SCRIPT_NAME'], $_SERVER['REQUEST_URI'], $_SERVER['QUERY_STRING'],
        basename($_SERVER['SCRIPT_FILENAME']), $_SERVER['DOCUMENT_ROOT'] . $_SERVER['SCRIPT_NAME'] === $_SERVER['SCRIPT_FILENAME']]),
    'query' => fn () => tell([$_SERVER['QUERY_STRING'], array_map(fn ($v) => is_array($v) ? $v : bin2hex($v), $_GET)]),
    'filter' => fn () => tell([filter_input(INPUT_GET, 'n', FILTER_VALIDATE_INT), filter_input(INPUT_POST, 'n'), filter_input(INPUT_COOKIE, 'n'),
        filter_input(INPUT_SERVER, 'HTTP_X_N'), filter_has_var(INPUT_GET, 'n'), filter_has_var(INPUT_GET, 'm'), filter_input_array(INPUT_GET)]),
    'getenv' => fn () => tell([getenv('QUERY_STRING'), getenv('REQUEST_METHOD'), getenv('HTTP_X_N')]),
    'argv' => fn () => tell([isset($_SERVER['argv']), isset($GLOBALS['argv']), ini_get('register_argc_argv')]),
    'mode' => fn () => tell([isset($_SERVER['FRANKENPHP_WORKER']), function_exists('frankenphp_handle_request'), function_exists('headers_send'),
        function_exists('fastcgi_finish_request'), function_exists('frankenphp_finish_request')]),
    'client' => fn () => tell([$_SERVER['REMOTE_ADDR'], (int) $_SERVER['REMOTE_PORT'], $_SERVER['HTTP_HOST'], $_SERVER['SERVER_NAME'], $_SERVER['SERVER_PROTOCOL']]),
    'ids' => fn () => tell([phpsrv_request_id(), $_SERVER['HTTP_X_N']]),
    'compact' => function () {
        extract($_GET, EXTR_SKIP);
        $name = '_GET';
        tell([$n ?? null, $GLOBALS[$name]['n'], isset($GLOBALS['n'])]);
    },
    'none' => fn () => tell([$_GET, $_POST, $_FILES, array_diff_key($_COOKIE, []), file_get_contents('php://input'), $_SERVER['PATH_INFO'] ?? '', $_SERVER['QUERY_STRING'],
        $_SERVER['CONTENT_TYPE'] ?? '', $_SERVER['CONTENT_LENGTH'] ?? '', $_SERVER['PHP_AUTH_USER'] ?? '', $_SERVER['HTTP_X_N'] ?? '']),
];

// the usual loop
