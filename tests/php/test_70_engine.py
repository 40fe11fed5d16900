"""The engine: opcache and JIT, SAPI name, settings from all sides, .user.ini, extension functions.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from testenv import run_binary, wait_until

# ---- opcache


def test_opcache_is_on_and_jit_is_not(php):
    status = php.json("opcache_get_status(false)")
    assert status["opcache_enabled"] is True
    assert status["jit"]["on"] is False
    assert php.json("[phpsrv_server_info()['opcache'], phpsrv_server_info()['jit']]") == [True, "off"]


HOT = "function f($n) { $s = 0; for ($i = 0; $i < $n; $i++) { $s += $i % 7; } return $s; } $r = 0; for ($i = 0; $i < 300; $i++) { $r += f(300); }"


@pytest.mark.parametrize(("mode", "is_on"), [("tracing", True), ("function", True), ("1205", True), ("1255", True), ("off", False), ("disable", False)])
def test_jit_modes(launch_php, mode, is_on):
    site = launch_php("-d", f"opcache.jit={mode}", "-d", "opcache.jit_buffer_size=32M", "-d", "opcache.file_update_protection=0", workers=3)
    script = site.script(HOT + "$jit = opcache_get_status(false)['jit']; echo json_encode([$r, $jit['on'], !$jit['on'] || $jit['buffer_free'] < $jit['buffer_size'], phpsrv_server_info()['jit']]);")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = {answer.body for answer in pool.map(lambda _: site.server.fetch(script), range(30))}
    assert b'[269100,%s,true,"%s"]' % (b"true" if is_on else b"false", mode.encode() if is_on else b"off") in answers
    assert len(answers) <= 2, "the first may have found an empty buffer"


def test_script_is_cached_and_hit(launch_php):
    site = launch_php("-d", "opcache.file_update_protection=0")
    target = site.script("echo json_encode([opcache_is_script_cached(__FILE__), opcache_get_status(false)['opcache_statistics']['hits']]);")
    assert site.server.fetch(target).text.startswith("[true,")
    for _ in range(5):
        site.server.fetch(target)
    assert site.server.fetch(target).text >= "[true,5"


def test_old_script_is_cached_with_default_protection(php):
    """opcache compares a file's time with the request's: a request without time would make every file too new."""
    target = php.script("echo json_encode(opcache_is_script_cached(__FILE__));")
    os.utime(php.server.docroot / target[1:], (time.time() - 60, time.time() - 60))
    assert php.server.fetch(target).text == "true"


def test_changed_script_is_seen(launch_php):
    site = launch_php("-d", "opcache.file_update_protection=0", "-d", "opcache.revalidate_freq=0")
    path = site.server.docroot / "changing.php"
    for number in range(5):
        path.write_text(f"<?php echo {number};")
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
        assert site.server.fetch("/changing.php").text == str(number)


def test_opcache_can_be_switched_off(launch_php):
    site = launch_php("-d", "opcache.enable=0")
    assert site.json("[opcache_get_status(false), phpsrv_server_info()['opcache']]") == [False, False]


def test_preload(launch_php, tmp_path):
    preload = tmp_path / "preload.php"
    preload.write_text("<?php class Preloaded { const NAME = PHP_SAPI.','.PHP_VERSION_ID; static $seen = 1; } "
                       f"file_put_contents('{tmp_path}/sapi', php_sapi_name());")  # fmt: skip
    site = launch_php("-d", f"opcache.preload={preload}", "-d", f"opcache.preload_user={os.environ.get('USER', 'root')}")
    assert site.json("[class_exists('Preloaded', false), Preloaded::$seen++]") == [True, 1]
    assert site.json("Preloaded::$seen") == 1
    assert (tmp_path / "sapi").read_text() == "phpsrv"


def test_opcache_restarts_under_load(launch_php):
    """Four workers, a small cache that is reset all the time: without the server's barrier it crashes at once."""
    site = launch_php(
        "-d", "opcache.memory_consumption=16", "-d", "opcache.interned_strings_buffer=4", "-d", "opcache.max_wasted_percentage=1",
        "-d", "opcache.file_update_protection=0", "-d", "opcache.revalidate_freq=0", workers=4,
    )  # fmt: skip
    target = site.script("""
        $n = random_int(0, 30);
        $file = __DIR__."/class$n.inc";
        $body = '';
        for ($i = 0; $i < 20; $i++) $body .= "function m$i() { return ['k$i' => 'v".random_int(0, 1e6)."'.str_repeat('a$n', 3)]; }\\n";
        $name = "C{$n}_".bin2hex(random_bytes(5));
        file_put_contents("$file.$name", "<?php class $name { const Q = 'q$name'; $body } return new $name;");
        rename("$file.$name", $file);
        opcache_invalidate($file, true);
        foreach (array_rand(range(0, 30), 15) as $i) {
            $other = __DIR__."/class$i.inc";
            if (!is_file($other)) continue;
            $o = include $other;
            if (is_object($o) && $o::Q !== 'q'.$o::class) { http_response_code(500); exit('corrupt'); }
        }
        if (random_int(0, 20) == 0) opcache_reset();
        echo 'ok';
    """)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: site.server.fetch(target).text, range(1500)))
    assert set(seen) == {"ok"}
    site.server.wait_log("php.opcache_restarted")
    assert site.json("opcache_get_status(false)['opcache_statistics']['manual_restarts'] > 3") is True


def test_restart_waits_for_a_long_script_only_a_while(launch_php):
    site = launch_php(workers=2)
    began, ended = site.server.docroot / "began", site.server.docroot / "end"
    target = site.script(f"touch('{began}'); while (!file_exists('{ended}')) {{ clearstatcache(); usleep(10000); }} echo 'done';")
    with site.server.connect() as wire:
        wire.request(target)
        wait_until(began.exists, "the long script has begun")
        site.run("opcache_reset();")
        # Held back for a moment, then served without the cache.
        assert site.json("[1 + 1, opcache_get_status(false)['opcache_enabled'] ?? false]") == [2, False]
        site.server.wait_log("php.opcache_restart_delayed")
        ended.write_text("")
        assert wire.expect_response(200).text == "done"
    wait_until(lambda: site.json("opcache_get_status(false)['opcache_enabled'] ?? false"), "opcache is back", timeout=30)


# ---- names


def test_sapi_name(php):
    assert php.json("[PHP_SAPI, php_sapi_name()]") == ["phpsrv", "phpsrv"]
    assert php.json("extension_loaded('phpsrv')") is True
    assert pathlib.Path(php.json("PHP_BINARY")).name == "phpsrv"


def test_other_sapi_name_keeps_opcache(launch_php):
    site = launch_php("--sapi-name", "fpm-fcgi")
    code = "[PHP_SAPI, php_sapi_name(), opcache_get_status(false)['opcache_enabled'], phpsrv_server_info()['sapi']]"
    assert site.json(code) == ["fpm-fcgi", "fpm-fcgi", True, "fpm-fcgi"]


@pytest.mark.parametrize("name", ["cli", "Bad Name", "x" * 40])
def test_impossible_sapi_name(tmp_path, name):
    result = run_binary("--listen", "127.0.0.1:0", "--docroot", tmp_path, "--sapi-name", name)
    assert result.returncode != 0 and re.search("sapi.name", result.stderr, re.IGNORECASE)


# ---- settings


def test_defaults(php):
    names = ["display_errors", "log_errors", "register_argc_argv", "implicit_flush", "max_execution_time", "output_buffering"]
    assert php.json(f"array_map('ini_get', {names})") == ["0", "1", "0", "0", "30", "0"]
    assert php.json("isset($_SERVER['argv'])", "?a+b") is False


@pytest.mark.parametrize(
    "definition, name, value",
    [
        ("memory_limit=77M", "memory_limit", "77M"),
        ("date.timezone=Europe/Berlin", "date.timezone", "Europe/Berlin"),
        ("error_prepend_string=<b>; not a comment", "error_prepend_string", "<b>; not a comment"),
        ("error_reporting=E_ALL & ~E_NOTICE", "error_reporting", str(30719 & ~8)),
        ("user_agent=a b", "user_agent", "a b"),
        ("display_errors=", "display_errors", ""),
        ("open_basedir=", "open_basedir", ""),
    ],
)
def test_definitions(launch_php, definition, name, value):
    assert launch_php("-d", definition).json(f"ini_get('{name}')") == value


def test_definition_beats_php_ini_beats_default(launch_php, tmp_path):
    ini = tmp_path / "my.ini"
    ini.write_text("memory_limit = 55M\nlog_errors = 0\nprecision = 9\nopcache.jit = function\n")
    site = launch_php("--php-ini", ini, "-d", "memory_limit=66M")
    names = "['memory_limit', 'log_errors', 'precision', 'opcache.jit', 'display_errors']"
    assert site.json(f"array_map('ini_get', {names})") == ["66M", "0", "9", "function", "0"]
    assert site.json("php_ini_loaded_file()") == str(ini)


def test_scan_folder(launch_php, tmp_path):
    (tmp_path / "a.ini").write_text("precision = 7\n")
    assert launch_php(env={"PHP_INI_SCAN_DIR": str(tmp_path)}).json("ini_get('precision')") == "7"


def test_working_folder_is_not_searched_for_php_ini(launch_php, tmp_path):
    (tmp_path / "php.ini").write_text("precision = 3\n")
    assert launch_php(cwd=tmp_path).json("ini_get('precision')") == "14"


def test_missing_php_ini_is_an_error(tmp_path):
    result = run_binary("--listen", "127.0.0.1:0", "--docroot", tmp_path, "--php-ini", tmp_path / "none.ini")
    assert result.returncode != 0 and "php.ini_file" in result.stderr


@pytest.mark.parametrize("definition", ["a=1\nextension=evil", "=x"])
def test_malformed_definition_is_an_error(tmp_path, definition):
    result = run_binary("--listen", "127.0.0.1:0", "--docroot", tmp_path, "-d", definition)
    assert result.returncode != 0 and result.stderr


def test_settings_of_a_script_do_not_stay(launch_php):
    site = launch_php(workers=1)
    site.run("ini_set('precision', 3); ini_set('memory_limit', '300M'); date_default_timezone_set('Asia/Tokyo'); set_time_limit(7);")
    code = "[ini_get('precision'), ini_get('memory_limit'), date_default_timezone_get(), ini_get('max_execution_time')]"
    assert site.json(code) == ["14", "128M", "UTC", "30"]


# ---- settings of a folder


def test_user_ini(launch_php):
    site = launch_php(
        files={
            ".user.ini": "precision = 5\nuser_agent = root\n",
            "sub/.user.ini": "precision = 6\nmemory_limit = 1G\ndisable_functions = phpversion\n",
            "sub/deeper/other.txt": "x",
        },
        workers=1,
    )
    code = "echo json_encode([ini_get('precision'), ini_get('user_agent'), ini_get('memory_limit'), function_exists('phpversion')]);"
    root, sub, deeper = (site.script(code, name) for name in ("x.php", "sub/x.php", "sub/deeper/x.php"))
    for _ in range(2):
        assert site.server.fetch(sub).text == '["6","root","1G",true]'
        assert site.server.fetch(deeper).text == '["6","root","1G",true]'
        assert site.server.fetch(root).text == '["5","root","128M",true]'


def test_user_ini_is_read_again_after_its_time(launch_php):
    site = launch_php("-d", "user_ini.cache_ttl=0", files={".user.ini": "precision = 5\n"}, workers=1)
    assert site.json("ini_get('precision')") == "5"
    (site.server.docroot / ".user.ini").write_text("precision = 4\n")
    wait_until(lambda: site.json("ini_get('precision')") == "4", "the new value")


def test_user_ini_can_be_switched_off(launch_php):
    site = launch_php("-d", "user_ini.filename=", files={".user.ini": "precision = 5\n"})
    assert site.json("ini_get('precision')") == "14"


def test_sections_of_php_ini(launch_php, tmp_path):
    ini = tmp_path / "my.ini"
    site = launch_php(start=False)
    ini.write_text(f"precision = 9\n[PATH={site.server.docroot}/sub]\nprecision = 4\n[HOST=other.example]\nprecision = 3\n")
    site.server.arguments += ["--php-ini", str(ini)]
    site.server.start()
    code = "echo ini_get('precision');"
    assert site.server.fetch(site.script(code)).text == "9"
    assert site.server.fetch(site.script(code, "sub/x.php")).text == "4"
    with site.server.connect() as wire:
        assert wire.request(site.script(code), host="OTHER.example").expect_response(200).text == "3"


# ---- folders and files


def test_working_folder_is_the_scripts(php):
    php.script("<?php return 'included';", "lib/part.inc")
    code = "echo json_encode([getcwd(), (include 'part.inc')]);"
    response = php.server.fetch(php.script(code, "lib/run.php"))
    assert response.text.replace("\\/", "/") == f'["{php.server.docroot}/lib","included"]'
    # Each worker has its own: no trace of another script's folder.
    assert php.json("getcwd()") == str(php.server.docroot)


def test_auto_prepend_and_append(launch_php, tmp_path):
    (tmp_path / "before.php").write_text("<?php echo 'before,';")
    (tmp_path / "after.php").write_text("<?php echo ',after';")
    site = launch_php("-d", f"auto_prepend_file={tmp_path}/before.php", "-d", f"auto_append_file={tmp_path}/after.php")
    assert site.run("echo 'script';").text == "before,script,after"


def test_open_basedir(launch_php):
    site = launch_php(start=False)
    site.server.arguments += ["-d", f"open_basedir={site.server.docroot}"]
    site.server.start()
    assert site.json("[@file_get_contents('/etc/passwd'), is_string(file_get_contents(__FILE__))]") == [False, True]


def test_included_files(php):
    target = php.script("echo json_encode(get_included_files());")
    for _ in range(2):
        assert php.server.fetch(target).text.replace("\\/", "/") == f'["{php.server.docroot}{target}"]'


def test_demo_site(launch_php):
    folder = pathlib.Path(__file__).parent / "public"
    site = launch_php(docroot=folder)
    page = site.server.fetch("/")
    assert page.status == 200 and "is running PHP" in page.text
    assert site.server.fetch("/hello.php").text == "Hello, world!\n"


def test_phpinfo(php):
    page = php.run("phpinfo();").text
    assert "phpsrv application server" in page and "Thread Safety" in page


# ---- metrics and facts


def test_metrics(php):
    php.run("$x = str_repeat('x', 10000000); echo strlen($x);")
    metrics = php.server.metrics()
    assert metrics["phpsrv_php_threads"] == 2
    assert metrics["phpsrv_php_memory_peak_bytes"] > 10_000_000
    assert metrics["phpsrv_opcache_free_bytes"] > 0


def test_version_lists_php():
    assert re.search(r"^ *php +8\.\d+\.\d+", run_binary("--version").stdout, re.MULTILINE)


# ---- care for threads

EXTENSION = """#include <php.h>
zend_module_entry imap_module_entry = {STANDARD_MODULE_HEADER, "imap", NULL, NULL, NULL, NULL, NULL, NULL, "0", STANDARD_MODULE_PROPERTIES};
ZEND_GET_MODULE(imap)
"""


def test_extensions_that_are_not_thread_safe(launch_php, tmp_path):
    """One that only has the name of such an extension."""
    (tmp_path / "where.php").write_text("<?php echo PHP_BINDIR;")
    config = pathlib.Path(run_binary("run", tmp_path / "where.php").stdout) / "php-config"
    includes = subprocess.run([config, "--includes"], capture_output=True, text=True, check=True).stdout.split()
    (tmp_path / "imap.c").write_text(EXTENSION)
    subprocess.run(["cc", "-shared", "-fPIC", "-DZEND_ENABLE_STATIC_TSRMLS_CACHE=1", *includes, "-o", tmp_path / "imap.so", tmp_path / "imap.c"], check=True, capture_output=True)
    site = launch_php("-d", f"extension={tmp_path}/imap.so")
    assert site.server.wait_log("php.extension_not_thread_safe")["extension"] == "imap"
    assert site.json("extension_loaded('imap')") is True


def test_the_stack_is_as_large_as_php_thinks(launch_php):
    """zend.max_allowed_stack_size finds the end of a worker's own stack: deep recursion is an error, not a crash."""
    for size in ("512K", "8M"):
        site = launch_php("--workers-stack-bytes", size, workers=1)
        site.expect_fatal("Maximum call stack size")
        code = "class A { public $a; function __serialize() { return [new A]; } } try { serialize(new A); echo 'whole'; } catch (Error $e) { echo substr($e->getMessage(), 0, 27); }"
        assert site.run(code).text == "Maximum call stack size of "
        assert site.run("echo 'well';").text == "well"


def test_opcache_runs_out_of_keys_under_load(launch_php):
    """More scripts than opcache has places for, which change: it starts anew again and again, and nobody's request is lost."""
    site = launch_php(
        "-d", "opcache.max_accelerated_files=200", "-d", "opcache.memory_consumption=8", "-d", "opcache.interned_strings_buffer=1", "-d", "opcache.max_wasted_percentage=1",
        "-d", "opcache.file_update_protection=0", "-d", "opcache.revalidate_freq=0", workers=4,
    )  # fmt: skip

    def write(number, version):
        path = site.server.docroot / f"n{number}.php"
        path.with_suffix(".new").write_text(f"<?php echo {number}, ' ', strlen('{'x' * 2000}');")
        os.utime(path.with_suffix(".new"), (1_000_000_000 + version, 1_000_000_000 + version))
        path.with_suffix(".new").rename(path)

    for number in range(700):
        write(number, 0)

    def visit(start):
        with site.server.connect() as wire:
            for step in range(700):
                number = (start + step * 7) % 700
                if step % 3 == 0 and start % 2 == 0:
                    write(number, step)
                wire.request(f"/n{number}.php")
                answer = wire.expect_response()
                assert answer.status == 200 and answer.text == f"{number} 2000", answer

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, (0, 101, 200, 301)))
    statistics = site.json("opcache_get_status(false)['opcache_statistics']")
    assert statistics["hash_restarts"] > 0, statistics


@pytest.mark.no_sanitizer  # the user that it becomes may not read PHP to name what is suppressed
def test_preload_as_another_user(launch_php, tmp_path):
    """opcache.preload_user: preloading as root is refused by PHP, and done in a process of that user."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    try:
        (folder / "preload.php").write_text("<?php class Preloaded { const WHO = 'preloaded'; } file_put_contents('/dev/null', 'x');")
        site = launch_php("-d", f"opcache.preload={folder}/preload.php", "-d", "opcache.preload_user=nobody")
        assert site.run("echo Preloaded::WHO;").text == "preloaded"
        assert site.json("posix_geteuid()") == 0
    finally:
        shutil.rmtree(folder)
