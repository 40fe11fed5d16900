<?php
/* An application without a framework: what the loops beside it boot once and run for each request.
 * SPDX-License-Identifier: MIT */

require __DIR__ . '/../shared.php';
Boot::begin();

final class Application
{
    private const ROUTES = [
        'GET /hello' => 'hello', 'POST /hello' => 'hello', 'POST /register' => 'register', 'POST /upload' => 'upload',
        'POST /login' => 'login', 'GET /visits' => 'visits', 'GET /stream' => 'stream', 'GET /late' => 'late', 'GET /throw' => 'fail',
        'GET /exit' => 'leave', 'POST /input' => 'keep',
    ];
    private ?string $late = null;

    public function __construct()
    {
        session_save_path(Boot::$folder . '/sessions');
        Boot::end();
    }

    /** One request, from the superglobals. */
    public function run(): void
    {
        foreach (Boot::fields() as $name => $value) {
            header("$name: $value");
        }
        $parts = explode('/', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), 3);
        $route = self::ROUTES[$_SERVER['REQUEST_METHOD'] . ' /' . $parts[1]] ?? null;
        if ($route === null) {
            http_response_code(404);
            echo 'there is no such page';
            return;
        }
        $this->$route($parts[2] ?? '');
    }

    /** When the client has its response. */
    public function afterwards(): void
    {
        if ($this->late !== null) {
            Boot::wait("gate-$this->late");
            Boot::note("late-$this->late", $_GET['key']);
        }
        $this->late = null;
    }

    private function json(mixed $value, int $status = 200): void
    {
        http_response_code($status);
        header('Content-Type: application/json');
        echo json_encode($value);
    }

    private function hello(string $name): void
    {
        setcookie('seen', $name);
        $this->json([
            'name' => $name, 'token' => $_GET['token'] ?? null, 'cookie' => $_COOKIE['who'] ?? null,
            'field' => $_SERVER['HTTP_X_TOKEN'] ?? null, 'text' => $_POST['text'] ?? null,
        ]);
    }

    private function register(): void
    {
        $errors = [];
        if (strlen($_POST['name'] ?? '') < 3) {
            $errors['name'] = 'is too short';
        }
        if (filter_input(INPUT_POST, 'email', FILTER_VALIDATE_EMAIL) === false) {
            $errors['email'] = 'is no address';
        }
        if (filter_input(INPUT_POST, 'age', FILTER_VALIDATE_INT) < 18) {
            $errors['age'] = 'is too young';
        }
        $this->json($errors ? ['errors' => $errors] : $_POST, $errors ? 422 : 201);
    }

    private function upload(): void
    {
        $target = Boot::$folder . '/uploads/' . bin2hex(random_bytes(8));
        if (!move_uploaded_file($_FILES['file']['tmp_name'], $target)) {
            throw new RuntimeException('the file could not be kept');
        }
        $this->json([
            'name' => $_FILES['file']['name'], 'bytes' => $_FILES['file']['size'], 'sha256' => hash_file('sha256', $target),
            'note' => $_POST['note'],
        ]);
    }

    private function login(): void
    {
        session_start();
        session_regenerate_id(true);
        $_SESSION['user'] = $_POST['user'];
        header('Location: /visits', true, 302);
    }

    private function visits(): void
    {
        session_start();
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        $this->json(['user' => $_SESSION['user'] ?? null, 'visits' => $_SESSION['visits']]);
    }

    private function stream(): void
    {
        header('Content-Type: text/plain');
        echo "first {$_GET['key']}\n";
        flush();
        Boot::wait("gate-{$_GET['key']}");
        echo "last {$_GET['key']}\n";
    }

    private function late(): void
    {
        $this->late = $_GET['key'];
        echo 'early answer';
    }

    private function fail(): void
    {
        throw new DomainException("secret of {$_GET['token']}");
    }

    private function leave(): void
    {
        echo 'gone';
        exit;
    }

    /** A stream of one request's body that is looked at in the next: PHP's own, or that of an object. */
    private function keep(string $what): void
    {
        static $kept = null;
        $own = file_get_contents('php://input');
        $found = $kept instanceof SplFileObject ? $kept->fread(100) : (is_resource($kept) ? 'open' : 'closed');
        $kept = match ($what) {
            'stream' => fopen('php://input', 'r'),
            'object' => new SplFileObject('php://input'),
            default => null,
        };
        $this->json(['kept' => $found, 'own' => $own]);
    }
}
