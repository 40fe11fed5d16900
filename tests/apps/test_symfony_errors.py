"""Symfony's error pages in development: what Debug::enable() shows is what the browser gets, with --dev and without.

SPDX-License-Identifier: MIT
"""

import re

import httpx
import pytest

import debian_site

pytestmark = pytest.mark.slow

INDEX = r"""<?php
require '%(php)s/Symfony/Component/ErrorHandler/autoload.php';
Symfony\Component\ErrorHandler\Debug::enable();

function find(int $id): array { throw new DomainException("no order $id <b>", 7, new LogicException('the reason')); }

if (isset($_GET['printed'])) { echo str_repeat("<p>begun</p>\n", (int) $_GET['printed']); }
match ($_GET['case'] ?? '') {
    'thrown' => find(42),
    'warning' => $undefined + 1,
    'function' => not_there(),
    'class' => new Not\There(),
    'parse' => include __DIR__ . '/broken.inc',
    'memory' => str_repeat('x', 1 << 30),
    'compile' => include __DIR__ . '/twice.inc',
    'status' => (function () { http_response_code(403); header('X-Own: yes'); echo 'forbidden by the application'; })(),
    'silenced' => print(@file_get_contents('/nowhere') === false ? 'silence' : ''),
    'dump' => print(Symfony\Component\VarDumper\VarDumper::dump(['a' => 1])),
};
"""
FILES = {"broken.inc": "<?php\nfunction f( {\n", "twice.inc": "<?php\nfunction same() {}\nfunction same() {}\n"}
# What is different in each request.
CHANGING = [re.compile(pattern) for pattern in (r"(?<=\bid=\")[^\"]*", r"sf-dump-\d+", r"(?<=#)[\w-]*\d", r"\(pid \d+\)", r"\b\d+(\.\d+)? (MiB|ms)\b")]
CASES = {
    "thrown": (500, "no order 42 &lt;b&gt;"),
    "warning": (500, "Undefined variable $undefined"),
    "function": (500, "Attempted to call function &quot;not_there&quot;"),
    "class": (500, "Attempted to load class &quot;There&quot;"),
    "parse": (500, "syntax error"),
    "memory": (500, "Allowed memory size of"),
    "compile": (500, "Cannot redeclare"),
    "status": (403, "forbidden by the application"),
    "silenced": (200, "silence"),
    "dump": (200, "sf-dump"),
}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest": "document"}
LIVE_RELOAD = '<script src="/.phpsrv/live-reload.js" defer></script>'


@pytest.fixture(scope="module")
def servers(launch_module, tmp_path_factory):
    """One in development, and one as sites are run."""
    folder = tmp_path_factory.mktemp("site")
    php = debian_site.unpacked("php-symfony-error-handler") / "usr/share/php"
    for name, text in {"index.php": INDEX % {"php": php}, **FILES}.items():
        (folder / name).write_text(text)
    options = ("-d", "memory_limit=64M", "-d", "html_errors=1")
    pair = [launch_module("--dev", *options, docroot=folder, executor="ext"), launch_module(*options, docroot=folder, executor="ext")]
    for server in pair:
        server.expect_log("php.message")
    return pair


def normal(text):
    for pattern in CHANGING:
        text = pattern.sub("~", text)
    return text


def pages(servers, path, fields):
    with httpx.Client(trust_env=False, timeout=60) as client:
        return [client.get("http://{}:{}".format(*server.address) + path, headers=fields) for server in servers]


@pytest.mark.parametrize("fields", [{}, {"Accept": "application/json"}, BROWSER], ids=["curl", "json", "browser"])
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_symfonys(servers, case, fields):
    status, text = CASES[case]
    dev, plain = pages(servers, f"/?case={case}", fields)
    assert dev.status_code == plain.status_code == status
    assert text in dev.text and "--dev" not in dev.text, dev.text[:2000]
    if status == 500:
        assert "exception-summary" in dev.text and "</html>" in dev.text
    if fields == BROWSER:
        assert dev.text.count(LIVE_RELOAD) == (1 if "html" in dev.headers.get("Content-Type", "") else 0)
    assert normal(dev.text.replace(LIVE_RELOAD, "")) == normal(plain.text)
    for name in ("Content-Type", "X-Own", "X-Debug-Exception"):
        assert dev.headers.get(name) == plain.headers.get(name), name


def test_what_was_printed_before_stays(servers):
    """Without an output buffer Symfony's page follows what has been printed."""
    dev, plain = pages(servers, "/?case=thrown&printed=3", {})
    assert dev.text.startswith("<p>begun</p>\n" * 3) and "exception-summary" in dev.text
    assert normal(dev.text) == normal(plain.text)


def test_without_symfony_the_page_is_ours(servers):
    """The counter-check: in development this server would have had something to say."""
    (servers[0].docroot / "own.php").write_text("<?php throw new Exception('of nobody');")
    dev, plain = pages(servers, "/own.php", BROWSER)
    assert "--dev" in dev.text and "of nobody" in dev.text and "--dev" not in plain.text
