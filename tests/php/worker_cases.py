"""What the tests of the worker contract share: a site whose scripts run twice, booted once (worker) and per request (classic).

The scripts are in tests/php/worker/. Each is an array of cases and a loop, mostly the usual one (LOOP); the request names its case in the field X-Case. A server
has every script of the module twice: worker/NAME.php is a worker script, classic/NAME.php is the same text, run anew for each request.

SPDX-License-Identifier: MIT
"""

import json
import pathlib

from testenv import Crowd

SCRIPTS = pathlib.Path(__file__).resolve().parent / "worker"
# What that line of a script stands for: not included, for a file more would be seen in backtraces and among the included files.
LOOP_LINE = "// the usual loop\n"
LOOP = """\
$handler = function () use ($cases): void {
    $cases[$_SERVER['HTTP_X_CASE']]();
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    while (frankenphp_handle_request($handler)) {
    }
} else {
    $handler();
}
"""
COUNT = 100


class Mode:
    """One script of a server, in one of the two ways to run it."""

    def __init__(self, server, name, script):
        self.server, self.name, self.script = server, name, script
        self.path = f"/{name}/{script}.php"
        self.is_worker = name == "worker"

    def request(self, case, suffix="", fields=(), **options):
        return {"target": self.path + suffix, "fields": [("X-Case", case), *fields], **options}

    def ask(self, case, make=lambda n: {}, count=COUNT, size=20):
        """[(n, response)] of `count` requests, 20 of them at a time; make(n): what the n-th has besides its case."""
        with Crowd(self.server.address, min(size, count)) as crowd:
            return list(enumerate(crowd.ask(self.request(case, **make(n)) for n in range(count))))

    def one(self, case, suffix="", **options):
        """A single request."""
        return self.ask(case, lambda _: {"suffix": suffix, **options}, 1)[0][1]

    def json(self, case, make=lambda n: {}, count=COUNT, status=200, size=20):
        """The same for cases that answer with JSON."""
        return [(n, decode(response, status)) for n, response in self.ask(case, make, count, size)]


def decode(response, status=200):
    assert response.status == status, response
    return json.loads(response.body)


def site_files(*scripts):
    """Document root with these scripts in both ways."""
    texts = {name: (SCRIPTS / f"{name}.php").read_text().replace(LOOP_LINE, LOOP) for name in scripts}
    files = {f"{folder}/{name}.php": text for folder in ("worker", "classic") for name, text in texts.items()}
    for path in SCRIPTS.glob("*.inc"):
        files |= {f"{folder}/{path.name}": path.read_text() for folder in ("worker", "classic")}
    return files


def launch_contract(launch, folder, *arguments, scripts, threads=2, files=None, **options):
    """A server with them; sessions, uploads and other files lie in `folder`, beside the document root."""
    for name in ("sessions", "uploads", "temp"):
        (folder / name).mkdir(exist_ok=True)
    for name in scripts:
        arguments += ("--worker", f"worker/{name}.php,{threads}")
    settings = {"session.save_path": folder / "sessions", "upload_tmp_dir": folder / "uploads", "sys_temp_dir": folder / "temp"}
    for key, value in settings.items():
        arguments += ("-d", f"{key}={value}")
    server = launch(*arguments, executor="ext", files={**site_files(*scripts), **(files or {})}, **options)
    server.folder = folder
    return server
