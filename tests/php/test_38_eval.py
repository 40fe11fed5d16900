"""The executor eval answers what ext answers, and needs no cache for it.

PHPSRV_TEST_EXECUTOR=eval runs all other tests of this folder with it.

SPDX-License-Identifier: MIT
"""

import os
import time

import pytest

from conftest import start_site

SCRIPTS = {
    "text": "before <?= 1 + 1 ?> after",
    "no-php": "plain text only\n",
    "shebang": "#!/usr/bin/php\n<?php echo __LINE__;",
    "magic": "<?php namespace A\\B;\necho json_encode([basename(__FILE__), basename(__DIR__) !== '', __LINE__, __NAMESPACE__]);",
    "strict": "<?php declare(strict_types=1);\ntry { strlen(1); } catch (TypeError $e) { echo $e->getLine(); }",
    "included": "<?php echo json_encode(array_map('basename', get_included_files()));",
    "backtrace": "<?php function f() { echo json_encode(array_map(fn($f) => [$f['function'], $f['line'] ?? 0], debug_backtrace())); }\n f();",
    "late": "<?php echo early(), Late::NAME; function early() { return 'early'; } class Late { const NAME = 'late'; }",
    "halt": "<?php echo __COMPILER_HALT_OFFSET__, '|', file_get_contents(__FILE__, false, null, __COMPILER_HALT_OFFSET__); __halt_compiler();data",
    "statics": "<?php function n() { static $n = 0; return ++$n; } echo n(), n();",
    "exit": "<?php register_shutdown_function(function () { echo 'shut'; }); echo 'a'; exit(3);",
    "exception": "<?php ini_set('display_errors', '1'); ini_set('html_errors', '0');\n throw new RuntimeException('gone');",
    "parse-error": "<?php ini_set('display_errors', '1');\n echo 1 1;",
    "return": "<?php echo 'a'; return 5; echo 'b';",
    "heredoc": "<?php echo <<<X\n  a\n  b\n  X;",
    "generator": "<?php function g() { yield 1; yield from [2, 3]; } echo implode(',', iterator_to_array(g(), false));",
    "status": "<?php http_response_code(404); header('X-A: b'); echo 'gone';",
    "empty": "",
}


@pytest.fixture(scope="module")
def both(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepend")
    (folder / "first.php").write_text("<?php echo '[';")
    (folder / "last.php").write_text("<?php echo ']';")
    arguments = ["-d", f"auto_prepend_file={folder}/first.php", "-d", f"auto_append_file={folder}/last.php"]
    sites = []
    for executor in ("ext", "eval"):
        sites.append(start_site(launch_module, "--executor", executor, *arguments, workers=2))
        sites[-1].server.expect_log(r"php\.message")
    return sites


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_results(both, name):
    answers = []
    for site in both:
        path = site.server.docroot / f"{name}.php"
        path.write_text(SCRIPTS[name])
        twice = [site.server.fetch("/" + path.name) for _ in range(2)]
        assert twice[0].body == twice[1].body
        fields = sorted((key, value) for key, value in twice[0].fields if key != "Date")
        answers.append((twice[0].status, fields, twice[0].body.replace(str(site.server.docroot).encode(), b"ROOT")))
    assert answers[0] == answers[1]
    assert answers[0][0] in (200, 404, 500)


def test_a_missing_script(both):
    assert [site.server.fetch("/none.php").status for site in both] == [404, 404]


def test_no_stale_result(both):
    """Not even where opcache would have one: a new text with the old date and size."""
    server = both[1].server
    path = server.docroot / "turn.php"
    for text in (b"<?php echo 1;", b"<?php echo 2;"):
        path.write_bytes(text)
        os.utime(path, (time.time() - 60, time.time() - 60))
        assert server.fetch("/turn.php").body == b"[%c]" % text[-2]
