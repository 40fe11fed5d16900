"""The package under a systemd that runs: started by the installation, reloaded, restarted by an upgrade while visitors ask,
stopped by the removal. In this order: each test begins where the one before has ended. What docs/install.md says to type is
typed here.

SPDX-License-Identifier: MIT
"""

import json
import re
import shutil

import pytest

from container import Container
from test_package import BASE, CONFIG, PACKAGES, package, version_of
from testenv import wait_until

pytestmark = [
    pytest.mark.skipif(not PACKAGES or not BASE, reason="./dev package-test runs these"),
    pytest.mark.skipif(Container.missing() is not None, reason=str(Container.missing())),
    pytest.mark.timeout(900),
]
SITE = "http://127.0.0.1"
INTERNAL = ("--unix-socket", "/run/phpsrv/internal.sock")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    container = Container(BASE, tmp_path_factory.mktemp("booted") / "root")
    try:
        container.install("systemd", "systemd-sysv", "dbus", "curl", "logrotate")
        # There is no way out of the container: what the package needs lies ready.
        shutil.copy(package("old"), container.path("/root/old.deb"))
        shutil.copy(package("new"), container.path("/root/new.deb"))
        container.run("apt-get", "install", "-y", "--no-install-recommends", "--download-only", "/root/old.deb")
        container.boot()
        yield container
    finally:
        container.close()


def shown(machine, unit, name):
    return machine.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()


def is_running(machine):
    # A minimal Debian has no pgrep.
    return machine.run("sh", "-c", "grep -qsx phpsrv /proc/[0-9]*/comm", check=False).returncode == 0


def wait_active(machine, unit="phpsrv.service"):
    assert machine.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active", machine.journal()


def test_the_installation_starts_it(machine):
    machine.run("apt-get", "install", "-y", "--no-install-recommends", "/root/old.deb")
    wait_active(machine)
    wait_active(machine, "phpsrv.socket")
    assert is_running(machine)
    status, body = machine.get(f"{SITE}/")
    assert status == 200 and "<h1>phpsrv works</h1>" in body
    assert machine.get("http://localhost/ready", *INTERNAL)[0] == 200
    assert shown(machine, "phpsrv.service", "NRestarts") == "0"
    for unit in ("phpsrv.service", "phpsrv.socket"):
        assert machine.run("systemctl", "is-enabled", unit).stdout == "enabled\n"


def test_systemd_has_nothing_to_say_against_the_units(machine):
    done = machine.run("systemd-analyze", "verify", "--man=no", "phpsrv.service", "phpsrv.socket")
    assert not [line for line in (done.stdout + done.stderr).splitlines() if "phpsrv" in line]
    done = machine.run("systemd-analyze", "security", "--no-pager", "phpsrv.service")
    exposure = re.search(r"Overall exposure level for phpsrv\.service: ([\d.]+)", done.stdout)
    assert exposure and float(exposure.group(1)) < 3.0, done.stdout


SITE_FILES = {
    "hello.php": "<?php echo 'Hello, ', $_GET['name'] ?? 'nobody';\n",
    "slow.php": "<?php file_put_contents('/var/lib/phpsrv/slow', 'begun'); sleep(3); echo 'done';\n",
    "version.php": "<?php echo phpsrv_server_info()['version'];\n",
    "count.php": "<?php session_start(); echo $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;\n",
    "write.php": "<?php echo @file_put_contents('/srv/site/storage/file', 'x') === 1 ? 'written' : 'refused';\n",
}


def test_a_reload_takes_a_site(machine):
    machine.path("/srv/site/storage").mkdir(parents=True)
    machine.run("chown", "phpsrv:", "/srv/site/storage")
    for name, text in SITE_FILES.items():
        machine.path(f"/srv/site/{name}").write_text(text)
    config = machine.path(CONFIG)
    config.write_text(config.read_text().replace('docroot = "/usr/share/phpsrv/welcome"', 'docroot = "/srv/site"'))
    machine.run("phpsrv", "--config", CONFIG, "--check-config")
    machine.run("systemctl", "reload", "phpsrv")
    # The signal has been sent when systemctl is back.
    wait_until(lambda: machine.get(f"{SITE}/hello.php?name=you") == (200, "Hello, you"), "the new document root")


def test_a_wrong_configuration_leaves_the_old_one_serving(machine):
    config = machine.path(CONFIG)
    right = config.read_text()
    config.write_text(right + "\n[nonsense]\n")
    machine.run("systemctl", "reload", "phpsrv", check=False)
    wait_until(lambda: "supervisor.reload_failed" in machine.journal(), "the refusal in the log")
    assert machine.get(f"{SITE}/hello.php?name=still") == (200, "Hello, still")
    config.write_text(right)
    machine.run("systemctl", "reload", "phpsrv")


def test_a_connection_starts_it(machine):
    machine.run("systemctl", "stop", "phpsrv.service")
    assert machine.run("systemctl", "is-active", "phpsrv.service", check=False).stdout != "active\n"
    assert machine.get(f"{SITE}/hello.php?name=starter") == (200, "Hello, starter")
    wait_active(machine)


def test_sessions_outlive_a_restart(machine):
    jar = ("-b", "/root/jar", "-c", "/root/jar")
    assert machine.get(f"{SITE}/count.php", *jar) == (200, "1")
    machine.run("systemctl", "restart", "phpsrv")
    assert machine.get(f"{SITE}/count.php", *jar) == (200, "2")


def test_it_writes_where_a_drop_in_says(machine):
    assert machine.get(f"{SITE}/write.php") == (200, "refused")
    machine.run("mkdir", "-p", "/etc/systemd/system/phpsrv.service.d")
    machine.path("/etc/systemd/system/phpsrv.service.d/site.conf").write_text("[Service]\nReadWritePaths=/srv/site/storage\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "phpsrv")
    assert machine.get(f"{SITE}/write.php") == (200, "written")


def test_other_ports(machine):
    machine.run("mkdir", "-p", "/etc/systemd/system/phpsrv.socket.d")
    ports = machine.path("/etc/systemd/system/phpsrv.socket.d/ports.conf")
    ports.write_text("[Socket]\nListenStream=\nListenStream=0.0.0.0:8080\nListenStream=[::1]:8080\n")
    for command in ("daemon-reload", "stop phpsrv.service", "restart phpsrv.socket", "start phpsrv.service"):
        machine.run("systemctl", *command.split())
    assert machine.get("http://127.0.0.1:8080/hello.php") == (200, "Hello, nobody")
    assert machine.get("http://[::1]:8080/hello.php") == (200, "Hello, nobody")
    assert machine.get(f"{SITE}/hello.php")[0] == 0
    ports.unlink()
    for command in ("daemon-reload", "stop phpsrv.service", "restart phpsrv.socket", "start phpsrv.service"):
        machine.run("systemctl", *command.split())


def test_logrotate_rotates(machine):
    machine.get(f"{SITE}/hello.php?name=before")
    machine.run("logrotate", "--force", "/etc/logrotate.d/phpsrv")
    machine.get(f"{SITE}/hello.php?name=behind")
    # The signal is handled when it is: lines go to the old file until then.
    machine.run("sh", "-c", f"for n in $(seq 200); do curl -s {SITE}/hello.php?name=behind; grep -q name=behind /var/log/phpsrv/access.log && exit 0; sleep 0.05; done; exit 1")
    assert "name=before" in machine.path("/var/log/phpsrv/access.log.1").read_text()
    assert machine.run("stat", "-c", "%U:%G %a", "/var/log/phpsrv/access.log").stdout == "phpsrv:phpsrv 640\n"


def test_an_upgrade_restarts_it_and_nobody_notices(machine):
    assert machine.get(f"{SITE}/version.php") == (200, version_of(package("old")))
    socket_since = shown(machine, "phpsrv.socket", "ActiveEnterTimestampMonotonic")
    main_pid = shown(machine, "phpsrv.service", "MainPID")
    visitors = machine.visitors(f"{SITE}/hello.php?name=visitor", "Hello, visitor")
    assert visitors.stdout.readline() == "visiting\n"
    # One request is under way all the time while the package is exchanged.
    slow = machine.visitors(f"{SITE}/slow.php", "done")
    assert slow.stdout.readline() == "visiting\n"
    machine.run("sh", "-c", "for n in $(seq 400); do [ -e /var/lib/phpsrv/slow ] && exit 0; sleep 0.05; done; exit 1")
    machine.run("apt-get", "install", "-y", "/root/new.deb")
    assert machine.get(f"{SITE}/version.php") == (200, version_of(package("new")))
    for program, least in ((visitors, 20), (slow, 4)):
        told = json.loads(program.communicate()[0])
        assert not told["wrong"] and told["answers"] >= least, told
    assert shown(machine, "phpsrv.socket", "ActiveEnterTimestampMonotonic") == socket_since, "the ports were open all the time"
    assert shown(machine, "phpsrv.service", "MainPID") != main_pid, "the supervisor is new as well"
    wait_active(machine)


def test_without_the_socket_the_configuration_has_the_port(machine):
    config = machine.path(CONFIG)
    config.write_text(config.read_text().replace('address = "0.0.0.0:80"', 'address = "127.0.0.1:8081"'))
    machine.run("systemctl", "disable", "--now", "phpsrv.socket")
    machine.run("systemctl", "restart", "phpsrv.service")
    assert machine.get("http://127.0.0.1:8081/hello.php") == (200, "Hello, nobody")
    # What was switched off stays off.
    machine.run("dpkg", "-i", "/root/new.deb")
    assert machine.run("systemctl", "is-enabled", "phpsrv.socket", check=False).stdout == "disabled\n"
    assert machine.run("systemctl", "is-active", "phpsrv.socket", check=False).stdout == "inactive\n"
    assert machine.get("http://127.0.0.1:8081/hello.php") == (200, "Hello, nobody")
    config.write_text(config.read_text().replace('address = "127.0.0.1:8081"', 'address = "0.0.0.0:80"'))


def test_the_removal_stops_it(machine):
    machine.run("apt-get", "remove", "-y", "phpsrv")
    assert machine.get("http://127.0.0.1:8081/")[0] == 0 and machine.get(SITE)[0] == 0
    assert not is_running(machine)
    assert machine.path(CONFIG).exists()


def test_it_comes_back_and_is_purged(machine):
    machine.run("dpkg", "-i", "/root/new.deb")
    wait_active(machine)
    machine.run("apt-get", "purge", "-y", "phpsrv")
    assert not is_running(machine)
    assert not machine.path("/var/log/phpsrv").exists() and not machine.path("/var/lib/phpsrv/sessions").exists()
    assert machine.run("systemctl", "list-unit-files", "phpsrv.*", "--no-legend", check=False).stdout == ""
