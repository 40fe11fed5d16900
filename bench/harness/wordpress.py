# SPDX-License-Identifier: MIT
"""Debian's WordPress with a MariaDB of its own in a temporary folder, installed without a browser: the site of a scenario."""
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
from typing import Iterator

from .children import Child, environment, wait_until
from .outcome import Unavailable
from .servers import BENCH, Setup

APPS = os.path.join(os.path.dirname(BENCH), "tests", "apps")
HOST = "bench.example"  # in every request: pages do not depend on a server's port
START_SECONDS = 60
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', 'localhost:{socket}');
define('WP_HOME', 'http://{host}'); define('WP_SITEURL', 'http://{host}'); define('WP_CONTENT_DIR', '{docroot}/wp-content');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('DISALLOW_FILE_MODS', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {{ define($name . '_KEY', "key $name"); define($name . '_SALT', "salt $name"); }}
"""
INSTALL = """<?php
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => '{host}', 'REQUEST_URI' => '/', 'SERVER_NAME' => '{host}', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
function wp_mail() {{ return true; }}
require '{docroot}/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Site of the bench', 'admin', 'admin@bench.example', false, '', 'no secret at all');
for ($i = 1; $i <= 10; $i++) {{
    wp_insert_post(['post_title' => "Post $i", 'post_status' => 'publish', 'post_author' => 1,
        'post_content' => str_repeat("<p>Paragraph of post $i with some words in it.</p>\\n", 20)]);
}}
echo "installed\\n";
"""


def _program(*names: str) -> str:
    for name in names:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if path:
            return path
    raise Unavailable(f"{names[0]} is not there: ./dev setup bench installs it")


def _unpacked() -> None:
    """tests/apps/fetch.sh has been here; where there is an apt-get it is called."""
    done = subprocess.run([os.path.join(APPS, "fetch.sh"), "wordpress"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"Debian's WordPress could not be fetched: {done.stderr.strip()[-300:]}")


def _start_database(folder: pathlib.Path) -> Child:
    user = pwd.getpwuid(os.geteuid()).pw_name
    options = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
    subprocess.run(
        [_program("mariadb-install-db"), *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, capture_output=True, env=environment(),
    )  # fmt: skip
    child = Child("mariadb", [
        _program("mariadbd"), *options, f"--socket={folder}/s", "--skip-networking", f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=64M", "--character-set-server=utf8mb4",
    ], str(folder))  # fmt: skip

    def answers() -> bool:
        return os.path.exists(folder / "s") and _query(folder, "SELECT 1").returncode == 0

    wait_until(answers, START_SECONDS, "an answer of MariaDB", child)
    return child


def _query(folder: pathlib.Path, statement: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [_program("mariadb"), "--no-defaults", f"--socket={folder}/s", "-uroot", "-e", statement], capture_output=True, text=True, check=False,
    )  # fmt: skip


@contextlib.contextmanager
def site(setup: Setup) -> Iterator[Setup]:
    """Yields the setup with WordPress as its site, its database running."""
    _unpacked()
    sys.path.insert(0, APPS)
    try:
        import debian_site  # pylint: disable=import-outside-toplevel,import-error
    finally:
        sys.path.remove(APPS)
    folder = pathlib.Path(setup.new_folder("wordpress"))
    (folder / "db").mkdir()
    database = _start_database(folder / "db")
    try:
        docroot = debian_site.build("wordpress", folder)
        for part in ("languages", "uploads"):
            shutil.copytree(folder / "var/lib/wordpress/wp-content" / part, docroot / "wp-content" / part, dirs_exist_ok=True)
        (folder / "etc/wordpress").mkdir(parents=True, exist_ok=True)
        words = {"socket": folder / "db" / "s", "docroot": docroot, "host": HOST}
        (folder / "etc/wordpress/config-default.php").write_text(CONFIG.format(**words), encoding="utf-8")
        _query(folder / "db", "CREATE DATABASE wordpress")
        (folder / "install.php").write_text(INSTALL.format(**words), encoding="utf-8")
        done = subprocess.run(
            [os.path.join(setup.php_prefix, "bin", "php"), "-n", str(folder / "install.php")],
            capture_output=True, text=True, timeout=120, check=False, env=environment(),
        )  # fmt: skip
        if not done.stdout.endswith("installed\n"):
            raise RuntimeError(f"WordPress could not be installed: {(done.stdout + done.stderr)[-1500:]}")
        at = setup.at(str(docroot))
        at.has_state, at.probe = False, "/wp-login.php"
        at.phpsrv_options = ["--static-follow-symlinks=true"]
        yield at
    finally:
        database.stop()
