"""The life of the Debian package: installed, configured, upgraded while it serves, removed, purged. In this order: each test
begins where the one before has ended. `./dev package-test` builds the packages and makes the Debian that they are put into.

SPDX-License-Identifier: MIT
"""

import datetime
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

from machine import Machine, Service
from testenv import wait_until

PACKAGES = os.environ.get("PHPSRV_PACKAGES")
BASE = os.environ.get("PHPSRV_PACKAGE_BASE")
pytestmark = [
    pytest.mark.skipif(not PACKAGES or not BASE, reason="./dev package-test runs these"),
    pytest.mark.timeout(900),
]
CONFIG = "/etc/phpsrv/phpsrv.toml"


def package(folder, name="phpsrv"):
    (path,) = pathlib.Path(PACKAGES, folder).glob(f"{name}_*.deb")
    return path


def version_of(path):
    return subprocess.run(["dpkg-deb", "-f", path, "Version"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = Machine(BASE, tmp_path_factory.mktemp("debian") / "root")
    yield machine
    machine.close()


@pytest.fixture(scope="module")
def before(machine):
    """All files before the package came."""
    return set(machine.find())


@pytest.fixture(scope="module")
def service(machine):
    service = Service(machine)
    yield service
    service.close()


@pytest.fixture(scope="module")
def newest(tmp_path_factory):
    """The new package once more, with a higher version and other default configurations, as a later release might have."""
    folder = tmp_path_factory.mktemp("newest")
    subprocess.run(["dpkg-deb", "-R", package("new"), folder / "tree"], check=True)
    for name in ("phpsrv/phpsrv.toml", "phpsrv/php/conf.d/10-phpsrv.ini"):
        with open(folder / "tree/etc" / name, "a", encoding="utf-8") as file:
            file.write("; from the newest\n" if name.endswith("ini") else "# from the newest\n")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+newest", control.read_text(), flags=re.M))
    subprocess.run(["dpkg-deb", "-b", folder / "tree", folder / "newest.deb"], check=True, stdout=subprocess.DEVNULL)
    return folder / "newest.deb"


@pytest.fixture(scope="module")
def pretended_systemd(machine):
    """systemctl that writes down what it is asked for; with `running`, maintainer scripts believe that systemd is there."""
    calls = machine.path("/root/systemctl-calls")
    program = machine.path("/usr/bin/systemctl")  # apt gives maintainer scripts a PATH without /usr/local

    class Pretended:
        def __enter__(self):
            program.write_text('#!/bin/sh\nprintf "%s\\n" "$*" >>/root/systemctl-calls\ncase "$*" in *is-enabled*) echo enabled ;; esac\n')
            program.chmod(0o755)
            machine.path("/run/systemd/system").mkdir(parents=True)
            calls.write_text("")
            return self

        def __exit__(self, *_):
            program.unlink()
            machine.path("/run/systemd/system").rmdir()
            machine.path("/run/systemd").rmdir()

        def calls(self):
            lines = [re.sub(r"^(--(quiet|system) )+", "", line) for line in calls.read_text().splitlines()]
            return [line for line in lines if line.split()[0] in ("daemon-reload", "start", "stop", "restart", "reload")]

    return Pretended()


# ---- a fresh installation


def test_it_installs_without_systemd(machine, before):
    assert not machine.path("/run/systemd/system").exists() and not machine.path("/usr/bin/systemctl").exists()
    done = machine.install(package("old"))
    assert "phpsrv:" not in done.stderr and "warning" not in done.stderr.lower().replace("apt does not have a stable cli", ""), done.stderr
    assert machine.status("phpsrv") == "ii " + version_of(package("old"))


def test_the_account(machine):
    name, _, uid, gid, _, home, shell = machine.account("phpsrv")
    assert 100 <= int(uid) < 1000 and home == "/var/lib/phpsrv" and shell == "/usr/sbin/nologin"
    assert machine.run("id", "-nG", name).stdout.split() == ["phpsrv"]
    shadow = machine.run("getent", "shadow", "phpsrv").stdout.split(":")
    assert shadow[1][0] in "!*", "nobody can log in"
    for folder in ("/var/lib/phpsrv", "/var/lib/phpsrv/sessions", "/var/log/phpsrv"):
        facts = machine.path(folder).stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777) == (int(uid), int(gid), 0o750), folder


def test_files_are_where_they_belong(machine):
    files = machine.run("dpkg-query", "-L", "phpsrv").stdout.split("\n")
    for path in (
        "/usr/bin/phpsrv",
        "/usr/lib/phpsrv/bin/frankenphp",
        "/usr/lib/phpsrv/php/lib/libphp.so",
        "/usr/lib/phpsrv/php/bin/php",
        "/usr/lib/systemd/system/phpsrv.service",
        "/usr/lib/systemd/system/phpsrv.socket",
        "/usr/share/man/man8/phpsrv.8.gz",
        "/usr/share/bash-completion/completions/phpsrv",
        "/usr/share/zsh/vendor-completions/_phpsrv",
        "/usr/share/fish/vendor_completions.d/phpsrv.fish",
        "/usr/share/doc/phpsrv/copyright",
        "/usr/share/doc/phpsrv/examples/config.example.toml",
        CONFIG,
    ):
        assert path in files, path
    for path in files:
        assert not path or path == "/." or re.match(r"/(usr|etc)(/|$)", path), path
        assert path.startswith("/usr/share/doc") or "phpsrv" in path or machine.path(path).is_dir(), f"{path} could be another package's"
    conffiles = machine.run("dpkg-query", "-W", "-f", "${Conffiles}", "phpsrv").stdout
    listed = {line.split()[0] for line in conffiles.splitlines() if line}
    assert listed == {path for path in files if path.startswith("/etc/") and machine.path(path).is_file()}


def test_page_and_completions_know_all_commands(machine):
    completions = [machine.path(f"/usr/share/{path}").read_text() for path in ("bash-completion/completions/phpsrv", "zsh/vendor-completions/_phpsrv", "fish/vendor_completions.d/phpsrv.fish")]
    page = gzip.decompress(machine.path("/usr/share/man/man8/phpsrv.8.gz").read_bytes()).decode()
    commands = re.findall(r"^ +phpsrv ([a-z]+) ", machine.run("phpsrv", "--help").stdout, re.M)
    assert {"run", "route", "health"} <= set(commands)
    for command in commands:
        assert f"phpsrv {command}" in page and all(re.search(rf"\b{command}\b", text) for text in completions), command


def test_the_libraries_are_there(machine):
    for path in ("/usr/bin/phpsrv", "/usr/lib/phpsrv/php/lib/libphp.so", "/usr/lib/phpsrv/php/bin/php"):
        assert "not found" not in machine.run("ldd", path).stdout, path
    assert "libphp.so => /usr/lib/phpsrv/php/lib/libphp.so" in machine.run("ldd", "/usr/bin/phpsrv").stdout
    assert not [line for line in machine.run("dpkg-query", "-W", "-f", "${Package}\n").stdout.split() if line.startswith("php") and line != "phpsrv"]


def test_the_units_are_switched_on(machine):
    assert os.readlink(machine.path("/etc/systemd/system/multi-user.target.wants/phpsrv.service")).endswith("/systemd/system/phpsrv.service")
    assert os.readlink(machine.path("/etc/systemd/system/sockets.target.wants/phpsrv.socket")).endswith("/systemd/system/phpsrv.socket")


def test_no_path_of_the_building_machine_is_shipped(machine):
    here = str(pathlib.Path(__file__).resolve().parents[2]).encode()
    cache = os.environ.get("PHPSRV_CACHE_DIR", os.path.expanduser("~/.cache/phpsrv")).encode()
    for path in machine.find("-type", "f", "-path", "*phpsrv*"):
        content = machine.path(path).read_bytes()
        assert here not in content and cache not in content, path


def test_the_configuration_is_valid(machine):
    done = machine.run("setpriv", "--reuid=phpsrv", "--regid=phpsrv", "--init-groups", "phpsrv", "--config", CONFIG, "--check-config")
    assert done.stdout == "configuration is valid\n"
    assert machine.run("phpsrv", "--version").stdout.splitlines()[0] == f"phpsrv {version_of(package('old'))}"


# ---- serving


def test_it_starts_as_the_unit_says(machine, service):
    service.start()
    status, body = service.get("/")
    assert status == 200 and "<h1>phpsrv works</h1>" in body and "<?php" not in body
    assert service.get_internal("/ready")[0] == 200
    assert json.loads(machine.run("phpsrv", "health", "--config", CONFIG).stdout)["status"] == "ok"
    uid = int(machine.account("phpsrv")[2])
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in pathlib.Path(f"/proc/{service.process.pid}/status").read_text()


FACTS = """<?php
session_start();
$_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;
echo json_encode([
    'version' => phpsrv_server_info()['version'], 'ini' => php_ini_loaded_file(), 'scanned' => trim(php_ini_scanned_files()),
    'extensions' => get_loaded_extensions(), 'extension_dir' => ini_get('extension_dir'), 'bindir' => PHP_BINDIR,
    'opcache' => opcache_get_status(false)['opcache_enabled'] ?? false, 'errors' => ini_get('display_errors'),
    'session' => session_id(), 'user' => posix_getpwuid(posix_geteuid())['name'],
    'https' => (bool) openssl_get_cert_locations()['default_cert_file'],
]);
"""


def facts(service):
    status, body = service.get("/facts.php")
    assert status == 200, body
    return json.loads(body)


def test_a_reload_takes_a_changed_configuration(machine, service):
    site = machine.path("/srv/site")
    site.mkdir(parents=True)
    (site / "hello.php").write_text("<?php echo 'Hello, ', $_GET['name'] ?? 'nobody';\n")
    (site / "facts.php").write_text(FACTS)
    config = machine.path(CONFIG)
    config.write_text(config.read_text().replace('docroot = "/usr/share/phpsrv/welcome"', 'docroot = "/srv/site"'))
    service.reload()
    assert service.get("/hello.php?name=you") == (200, "Hello, you")


def test_php_is_the_package_s_own(machine, service):
    found = facts(service)
    assert found["ini"] == "/etc/phpsrv/php/php.ini" and found["scanned"] == "/etc/phpsrv/php/conf.d/10-phpsrv.ini"
    assert found["extension_dir"].startswith("/usr/lib/phpsrv/php/lib/php/extensions/") and found["bindir"] == "/usr/lib/phpsrv/php/bin"
    assert found["opcache"] is True and found["errors"] in ("", "0") and found["user"] == "phpsrv"
    assert {"curl", "gd", "intl", "mbstring", "mysqli", "openssl", "pdo_mysql", "pdo_pgsql", "pdo_sqlite", "sodium", "zip", "Zend OPcache"} <= set(found["extensions"])
    assert machine.path(f"/var/lib/phpsrv/sessions/sess_{found['session']}").exists()
    assert "GET /hello.php?name=you" in machine.path("/var/log/phpsrv/access.log").read_text()


def test_a_script_runs_on_the_command_line(machine):
    machine.path("/srv/site/cli.php").write_text("<?php echo PHP_SAPI, ' ', $argv[1], ' ', php_ini_loaded_file(), PHP_EOL;\n")
    done = machine.run("phpsrv", "run", "--config", CONFIG, "/srv/site/cli.php", "one")
    assert done.stdout == "cli one /etc/phpsrv/php/php.ini\n" and not done.stderr


def test_logrotate_takes_its_part(machine, service):
    text = machine.path("/etc/logrotate.d/phpsrv").read_text()
    assert "/var/log/phpsrv/*.log" in text and "--signal=USR1" in text
    os.rename(machine.path("/var/log/phpsrv/access.log"), machine.path("/var/log/phpsrv/access.log.1"))
    service.process.send_signal(signal.SIGUSR1)
    wait_until(machine.path("/var/log/phpsrv/access.log").exists, "a new access log")
    service.get("/hello.php?name=rotated")
    wait_until(lambda: "name=rotated" in machine.path("/var/log/phpsrv/access.log").read_text(), "the line of the request")


# ---- upgrades


class Visitors:
    """Ask all the time, each request on a connection of its own; each answer has to be right."""

    def __init__(self, service):
        self.service = service
        self.answers = 0
        self.wrong = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.visit) for _ in range(4)]

    def visit(self):
        while not self.stopping.is_set():
            try:
                answer = self.service.get("/hello.php?name=visitor")
            except OSError as error:
                answer = repr(error)
            if answer != (200, "Hello, visitor"):
                self.wrong.append((datetime.datetime.now(datetime.timezone.utc).isoformat(), answer))
            self.answers += 1
            self.stopping.wait(0.005)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def test_an_upgrade_while_it_serves(machine, service):
    seen = facts(service)["version"]
    assert seen == version_of(package("old"))
    with Visitors(service) as visitors:
        machine.install(package("new"))
        during = visitors.answers
        assert facts(service)["version"] == seen, "the old one goes on with what it has loaded"
        service.begin_reload()
        wait_until(lambda: facts(service)["version"] == version_of(package("new")), "the old one, which accepted for a moment longer, has left")
        service.restart()
        assert facts(service)["version"] == version_of(package("new"))
    assert not visitors.wrong, f"{len(visitors.wrong)} of {visitors.answers}: {visitors.wrong[:5]}\n{service.log.read_text()[-6000:]}"
    assert during > 20
    assert 'docroot = "/srv/site"' in machine.path(CONFIG).read_text()
    assert not list(machine.path("/etc/phpsrv").rglob("*.dpkg-*")), "nothing was asked: the default did not change"


def test_changed_defaults_leave_changed_files_alone(machine, service, newest, pretended_systemd):
    with pretended_systemd as systemd:
        machine.path("/tmp/newest.deb").write_bytes(newest.read_bytes())
        machine.run("apt-get", "install", "-y", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "/tmp/newest.deb")
        assert "daemon-reload" in " ".join(systemd.calls())
        assert [call for call in systemd.calls() if "phpsrv.s" in call] == ["start phpsrv.socket", "restart phpsrv.service"], "the socket, which is open, goes on"
    assert machine.status("phpsrv").endswith("+newest")
    assert 'docroot = "/srv/site"' in machine.path(CONFIG).read_text() and "newest" not in machine.path(CONFIG).read_text()
    assert "newest" in machine.path(CONFIG + ".dpkg-dist").read_text()
    assert "newest" in machine.path("/etc/phpsrv/php/conf.d/10-phpsrv.ini").read_text(), "nobody had changed that one"
    service.restart()
    assert service.get("/hello.php?name=again") == (200, "Hello, again")


def test_what_was_switched_off_stays_off(machine, newest):
    link = machine.path("/etc/systemd/system/sockets.target.wants/phpsrv.socket")
    link.unlink()
    machine.run("dpkg", "-i", "/tmp/newest.deb")
    assert not link.is_symlink() and machine.path("/etc/systemd/system/multi-user.target.wants/phpsrv.service").is_symlink()


# ---- extensions


@pytest.mark.slow
def test_an_extension_is_built_for_it(machine, service):
    machine.install(package("new"), package("new", "phpsrv-dev"), "--allow-downgrades")
    folder = machine.path("/root/extension")
    folder.mkdir()
    (folder / "config.m4").write_text("PHP_ARG_ENABLE([answer], [answer], [answer], [yes])\nPHP_NEW_EXTENSION([answer], [answer.c], [$ext_shared])\n")
    (folder / "answer.c").write_text(
        """#include "php.h"
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_answer, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()
PHP_FUNCTION(answer) { ZEND_PARSE_PARAMETERS_NONE(); RETURN_LONG(42); }
static const zend_function_entry functions[] = {PHP_FE(answer, arginfo_answer) PHP_FE_END};
zend_module_entry answer_module_entry = {STANDARD_MODULE_HEADER, "answer", functions, NULL, NULL, NULL, NULL, NULL, "1", STANDARD_MODULE_PROPERTIES};
ZEND_GET_MODULE(answer)
"""
    )
    bin_folder = "/usr/lib/phpsrv/php/bin"
    machine.run("sh", "-ec", f"cd /root/extension; {bin_folder}/phpize; ./configure --with-php-config={bin_folder}/php-config; make; make install")
    machine.path("/etc/phpsrv/php/conf.d/20-answer.ini").write_text("extension=answer\n")
    machine.path("/srv/site/answer.php").write_text("<?php echo answer();\n")
    service.reload()
    assert service.get("/answer.php") == (200, "42")
    machine.path("/etc/phpsrv/php/conf.d/20-answer.ini").unlink()
    for path in machine.path("/usr/lib/phpsrv/php/lib/php/extensions").rglob("answer.so"):
        path.unlink()
    machine.run("apt-get", "purge", "-y", "phpsrv-dev")


# ---- the end


def test_removal_keeps_the_configuration(machine, service, pretended_systemd):
    with pretended_systemd as systemd:
        machine.run("apt-get", "remove", "-y", "phpsrv")
        assert "stop phpsrv.socket phpsrv.service" in systemd.calls()
    service.stop()
    assert machine.status("phpsrv").startswith("rc ")
    assert not machine.path("/usr/bin/phpsrv").exists() and not machine.path("/usr/lib/phpsrv").exists()
    assert 'docroot = "/srv/site"' in machine.path(CONFIG).read_text()
    assert machine.path("/var/log/phpsrv/access.log").exists()


def test_it_can_come_back(machine, pretended_systemd):
    with pretended_systemd as systemd:
        machine.install(package("new"))
        assert [call for call in systemd.calls() if "phpsrv.s" in call] == ["start phpsrv.socket", "restart phpsrv.service"]
    assert 'docroot = "/srv/site"' in machine.path(CONFIG).read_text()
    assert not [path for path in machine.find("-name", "phpsrv*", "-type", "l") if os.readlink(machine.path(path)) == "/dev/null"], "no unit is masked"


def test_purge_leaves_what_the_site_has_put_there(machine):
    kept = machine.path("/var/lib/phpsrv/upload.txt")
    kept.write_text("of the site")
    done = machine.run("apt-get", "purge", "-y", "phpsrv")
    assert kept.read_text() == "of the site" and "/var/lib/phpsrv is not empty" in done.stderr
    kept.unlink()
    kept.parent.rmdir()


def test_purge_leaves_nothing_else(machine, before):
    machine.install(package("new"))
    machine.run("apt-get", "purge", "-y", "phpsrv")
    assert machine.status("phpsrv") in ("", "un ")
    shutil.rmtree(machine.path("/srv/site"))
    for path in ("/run/notify", "/run/phpsrv/internal.sock"):
        machine.path(path).unlink(missing_ok=True)
    shutil.rmtree(machine.path("/run/phpsrv"), ignore_errors=True)  # systemd's part
    assert machine.find("-name", "*phpsrv*") == []
    assert not machine.path("/var/log/phpsrv").exists()
    uid = machine.account("phpsrv")[2]
    assert machine.find("-uid", uid) == [], "no file belongs to the account, which stays as Debian's system accounts do"
    machine.run("apt-get", "autoremove", "--purge", "-y")
    left = {path for path in set(machine.find()) - before if not path.startswith(("/etc", "/usr", "/var", "/run"))}
    assert not left, left
    machine.run("deluser", "--system", "phpsrv")
