"""What Laravel Octane's commands do with a program called frankenphp: octane:start, octane:status, octane:reload, octane:stop.

Written from what they do, step by step; the application is a worker script that goes Octane's way from the first line to the last.

SPDX-License-Identifier: MIT
"""

import contextlib
import fcntl
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import termios
import threading

from testenv import binary_path, scaled, wait_until
from testenv.server import environment

WORKER = r"""<?php
// What has to be there before anything else is loaded.
if (!($_SERVER['FRANKENPHP_WORKER'] ?? false) || !function_exists('frankenphp_handle_request')) {
    echo 'FrankenPHP must be in worker mode to use this script.';
    exit(1);
}
ignore_user_abort(true);
$base = $_ENV['APP_BASE_PATH'] ?? $_SERVER['APP_BASE_PATH'] ?? null;
if (!is_string($base)) {
    fwrite(fopen('php://stderr', 'w'), "Cannot find the application's folder.\n");
    exit(11);
}
ini_set('display_errors', 'stderr');

final class Application
{
    public readonly string $id;

    public readonly string $release;

    public function __construct(public readonly string $base)
    {
        $this->id = bin2hex(random_bytes(8));
        $this->release = trim(file_get_contents($base . '/release'));
    }

    public function handle(int $number): void
    {
        $path = strtok($_SERVER['REQUEST_URI'], '?');
        if ($path === '/fail') {
            throw new DomainException('told to fail');
        }
        if ($path === '/spin') {
            while (true);
        }
        if ($path === '/fatal') {
            class_that_is_not_there();
        }
        header('Content-Type: application/json');
        header('X-Application: ' . $this->id);
        echo json_encode([
            'release' => $this->release, 'uri' => $_SERVER['REQUEST_URI'], 'number' => $number, 'id' => $this->id,
            'input' => file_get_contents('php://input'), 'get' => $_GET, 'is_worker_variable_gone' => !isset($_SERVER['FRANKENPHP_WORKER']),
            'sapi' => PHP_SAPI, 'public' => getenv('APP_PUBLIC_PATH'), 'octane' => getenv('LARAVEL_OCTANE'), 'limit' => ini_get('max_execution_time'),
        ]);
        fastcgi_finish_request();
        if ($path === '/after') {
            file_put_contents($this->base . '/after', $_SERVER['REQUEST_URI']);
        }
    }
}

$application = null;
$count = 0;
$most = $_ENV['MAX_REQUESTS'] ?? $_SERVER['MAX_REQUESTS'] ?? 1000;
$seconds = $_ENV['REQUEST_MAX_EXECUTION_TIME'] ?? $_SERVER['REQUEST_MAX_EXECUTION_TIME'] ?? null;
if (PHP_OS_FAMILY === 'Linux' && $seconds !== null) {
    set_time_limit((int) $seconds);
}
try {
    $handle = static function () use (&$application, &$count, $base) {
        try {
            $application ??= new Application($base); // the first request boots it
            $application->handle($count);
        } catch (DomainException $problem) {
            http_response_code(500);
            header('Content-Type: text/plain');
            echo 'Internal Server Error';
            fastcgi_finish_request();
            fwrite(fopen('php://stderr', 'w'), json_encode(['type' => 'shutdown', 'class' => $problem::class, 'message' => $problem->getMessage()]) . "\n");
        }
    };
    while ($count < $most && frankenphp_handle_request($handle)) {
        $count++;
    }
} finally {
    $application = null;
    gc_collect_cycles();
}
"""
CADDYFILE = '{\n\tadmin {$CADDY_SERVER_ADMIN_HOST}:{$CADDY_SERVER_ADMIN_PORT}\n}\n{$CADDY_SERVER_SERVER_NAME} {\n\tphp_server\n}\n'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_application(base, release="one", worker=WORKER):
    """An application with public/frankenphp-worker.php, as octane:install leaves it."""
    public = pathlib.Path(base) / "public"
    public.mkdir(parents=True)
    (public / "frankenphp-worker.php").write_text(worker)
    (public / "index.php").write_text("<?php echo 'the front controller of other servers';")
    (public / "robots.txt").write_text("User-agent: *\n")
    (base / "release").write_text(release)
    (base / "Caddyfile").write_text(CADDYFILE)
    storage = base / "storage" / "app" / "public"
    storage.mkdir(parents=True)
    (storage / "avatar.txt").write_text("a picture")
    (public / "storage").symlink_to(storage)
    (base / "frankenphp").symlink_to(binary_path())
    return base


class Octane:
    """octane:start and what belongs to it, for one application."""

    def __init__(self, base, options=None, env=None, path=""):
        self.base, self.env, self.path = pathlib.Path(base), env or {}, path
        self.options = {"workers": 2, "max_requests": 500, "log_level": None, "app_env": "production", "https": False, "limit": 30, "watch": (), **(options or {})}
        self.port, self.admin_port = free_port(), free_port()
        self.process, self.lines, self.changed, self.has_ended = None, [], threading.Condition(), False

    # ---- octane:start

    def find_binary(self):
        """In the application's folder, else in PATH."""
        return str(self.base / "frankenphp") if (self.base / "frankenphp").exists() else shutil.which("frankenphp", path=self.path)

    def version(self):
        """Of the line that begins with "dep": what stands behind its last "v"."""
        output = subprocess.run([self.find_binary(), "build-info"], capture_output=True, text=True, check=True, cwd=self.base, env=environment()).stdout
        lines = [line for line in output.split("\n") if line.startswith("dep") and "github.com/dunglas/frankenphp" in line]
        assert lines, output
        version = lines[0].strip().rpartition("v")[2]
        assert re.search(r"\d+\.\d+\.\d+", version), version
        return tuple(map(int, version.split(".")))

    def variables(self):
        options = self.options
        return {
            "APP_ENV": options["app_env"],
            "APP_BASE_PATH": str(self.base),
            "APP_PUBLIC_PATH": str(self.base / "public"),
            "LARAVEL_OCTANE": "1",
            "MAX_REQUESTS": str(options["max_requests"]),
            "REQUEST_MAX_EXECUTION_TIME": str(options["limit"]),
            "CADDY_GLOBAL_OPTIONS": "auto_https disable_redirects",
            "CADDY_SERVER_ADMIN_PORT": str(self.admin_port),
            "CADDY_SERVER_ADMIN_HOST": "localhost",
            "CADDY_SERVER_LOG_LEVEL": options["log_level"] or ("INFO" if options["app_env"] == "local" else "WARN"),
            "CADDY_SERVER_LOGGER": "json",
            "CADDY_SERVER_SERVER_NAME": f"https://127.0.0.1:{self.port}" if options["https"] else f"http://:{self.port}",
            "CADDY_SERVER_WORKER_COUNT": str(options["workers"] or ""),
            "CADDY_SERVER_WORKER_DIRECTIVE": f"num {options['workers']}" if options["workers"] else "",
            "CADDY_SERVER_EXTRA_DIRECTIVES": "",
            "CADDY_SERVER_WATCH_DIRECTIVES": "\n".join(f"\t\twatch {self.base / path}" for path in options["watch"]),
        }

    def start(self, wait=True):
        assert not self.server_is_running(), "another server is running already"
        assert self.version() >= (1, 5, 0), "Octane would offer to download another one"
        self.process = subprocess.Popen(
            [self.find_binary(), "run", "-c", str(self.base / "Caddyfile")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.base, env=environment({**self.variables(), **self.env}),
            start_new_session=True, text=True, preexec_fn=self._take_terminal,
        )  # fmt: skip
        threading.Thread(target=self._collect, daemon=True).start()
        if wait:
            wait_until(lambda: self.server_is_running() or self.process.poll() is not None, "the server answers its administration")
            assert self.process.poll() is None, "\n".join(self.lines)
        return self

    def _take_terminal(self):
        if self.options.get("terminal"):
            fcntl.ioctl(self.options["terminal"], termios.TIOCSCTTY, 0)

    def _collect(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()

    def wait_message(self, condition):
        """Waits for something that Octane prints: condition(kind, content)."""
        with self.changed:
            assert self.changed.wait_for(lambda: any(condition(*item) for item in self.messages()) or self.has_ended, scaled(20)), self.lines
            found = [item for item in self.messages() if condition(*item)]
        assert found, "\n".join(self.lines)
        return found[0]

    def messages(self):
        """What Octane makes of the lines: [(kind, content)] with the kinds info, warn, error, request, stream."""
        found = []
        for line in filter(None, list(self.lines)):
            try:
                debug = json.loads(line)
            except ValueError:
                debug = None
            if not isinstance(debug, dict):
                found.append(("info", line))
                continue
            message = debug.get("msg", "unknown error")
            with contextlib.suppress(ValueError):
                if isinstance(json.loads(message), dict):
                    found.append(("stream", json.loads(message)))
                    continue
            if message == "handled request":
                if self.options["app_env"] == "local":
                    found.append(("request", (debug["request"]["method"], debug["request"]["uri"], debug["status"], float(debug["duration"]) * 1000)))
            elif debug.get("level") == "warn":
                found.append(("warn", message))
            elif "level" in debug and debug["level"] != "info" and debug.get("exit_status") != 255:
                found.append(("error", message))
        return found

    # ---- the other commands

    def ask(self, method, path, body=None, fields=None, port=None):
        connection = http.client.HTTPConnection("localhost", port or self.admin_port, timeout=scaled(20))
        with contextlib.closing(connection):
            connection.request(method, path, body, fields or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def server_is_running(self):
        try:
            return 200 <= self.ask("GET", "/config/apps/frankenphp")[0] < 300
        except OSError:
            return False

    def reload_server(self):
        """The configuration is fetched and given back."""
        status, config = self.ask("GET", "/config/apps/frankenphp")
        assert status == 200 and json.loads(config)["workers"], (status, config)
        fields = {"Content-Type": "application/json", "Cache-Control": "must-revalidate"}
        status, body = self.ask("PATCH", "/config/apps/frankenphp", config, fields)
        assert 200 <= status < 300, (status, body)

    def stop_server(self):
        status, body = self.ask("POST", "/stop")
        assert 200 <= status < 300, (status, body)

    def wait_exit(self):
        return self.process.wait(scaled(30))

    # ---- clients

    def get(self, path, status=200):
        got, body = self.ask("GET", path, port=self.port)
        assert got == status, (got, body, self.lines)
        return body

    def json(self, path="/"):
        return json.loads(self.get(path))

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(scaled(30))
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
