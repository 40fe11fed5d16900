"""An application of frameworks/ that is booted once, on a server of its own, and clients that ask it from many threads.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import http.client
import json
import pathlib
import shutil
import threading
import urllib.parse

import debian_site
import pages

FRAMEWORKS = pathlib.Path(__file__).resolve().parent / "frameworks"
THREADS = 2


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)

    @property
    def boot(self):
        return self.headers["X-Boot"]

    def cookies(self):
        """What a browser would send back."""
        return "; ".join(line.partition(";")[0] for line in self.headers.get_all("Set-Cookie", ()))


class Client:
    """One kept connection; not for several threads at once."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(*address, timeout=60)

    def ask(self, path, form=None, method=None, body=None, **fields):
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if form is not None:
            body = urllib.parse.urlencode(form)
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method or ("GET" if body is None else "POST"), path, body, fields)
        return Answer(self.connection.getresponse())

    def close(self):
        self.connection.close()


class WorkerSite:
    """The site is a copy, so that the application may write into its folder; `folder` is where it and the test meet."""

    def __init__(self, launch, name, folder, *arguments, packages=None, front="public/index.php", threads=THREADS, env=None, workers=1):
        self.folder = folder / "meeting"
        for part in ("sessions", "uploads"):
            (self.folder / part).mkdir(parents=True)
        shutil.copytree(FRAMEWORKS / name, folder / name)
        shutil.copyfile(FRAMEWORKS / "shared.php", folder / "shared.php")
        self.front = folder / name / front
        (folder / "php.ini").write_text(pages.INI + "session.use_strict_mode = 1\n")
        environment = {"TEST_FOLDER": str(self.folder), **(env or {})}
        if packages:
            environment["TEST_LIBRARIES"] = str(debian_site.unpacked(packages) / "usr/share/php")
        self.server = launch(
            "--index", self.front.name, "--php-ini", folder / "php.ini", *(["--worker", f"{self.front},{threads}"] if threads else []), *arguments,
            docroot=self.front.parent, executor="ext", workers=workers, env=environment,
        )  # fmt: skip
        self.clients = threading.local()

    def client(self):
        """This thread's."""
        if not hasattr(self.clients, "own"):
            self.clients.own = Client(self.server.address)
        return self.clients.own

    def ask(self, path, form=None, **options):
        return self.client().ask(path, form, **options)

    def boots(self):
        """The names of all boots so far."""
        return (self.folder / "boots").read_text().split()

    def open(self, name):
        """Lets the application go on that waits for it."""
        (self.folder / name).touch()

    def in_parallel(self, function, values, threads):
        """[function(value)...]; each thread has a connection of its own."""
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(function, values))
        return found
