"""The image of docker/Dockerfile, built and run: what is in it, and that PID 1, limits and a read-only root are as they should be.

SPDX-License-Identifier: MIT
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import engine as engines
from testenv import wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "apps"))

pytestmark = [pytest.mark.timeout(3600)]

FILES = {
    "index.php": "<?php header('Content-Type: text/plain'); echo 'hello from ', PHP_SAPI;",
    "style.css": "body{}",
    "who.php": "<?php echo json_encode([posix_getuid(), posix_getgid(), getmypid(), trim(file_get_contents('/proc/1/comm'))]);",
    "write.php": "<?php echo json_encode(@file_put_contents($_GET['to'], 'x'));",
    "upload.php": "<?php echo $_FILES['f']['size'] ?? strlen(file_get_contents('php://input'));",
    "slow.php": "<?php echo 'begun '; flush(); usleep(1000 * ($_GET['ms'] ?? 1500)); echo 'done';",
    "orphan.php": "<?php exec('(sleep 0.2; exit 3) >/dev/null 2>&1 &'); exec('setsid sh -c \"sleep 0.1 & exit\" >/dev/null 2>&1 &'); echo 'ok';",
    "eat.php": "<?php ini_set('memory_limit', -1); $a = str_repeat('x', 600 << 20); echo strlen($a);",
    "extensions.php": "<?php echo json_encode(get_loaded_extensions());",
}


@pytest.fixture(scope="session")
def engine():
    return engines.Engine()


@pytest.fixture(scope="session")
def image(engine):
    return engine.image()


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "public").mkdir()
    for name, text in FILES.items():
        (folder / "public" / name).write_text(text)
    for path in (folder, folder / "public"):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def container(engine, image, app):
    with engines.Container(engine, image, f"--volume={app}:/app:ro") as running:
        yield running


# ---- what is in it


def test_what_the_image_says_of_itself(engine, image):
    about = engine.inspect(image)
    config = about["Config"]
    assert config["User"] == "10001:10001" and config["Entrypoint"] == ["phpsrv"] and config["WorkingDir"] == "/app"
    assert about["Config"].get("StopSignal", "SIGTERM") in ("SIGTERM", "15")
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8443/tcp", "9090/tcp"}
    assert about["Healthcheck"]["Test"] == ["CMD", "phpsrv", "health"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT" and config["Labels"]["org.opencontainers.image.version"]


def test_it_is_small(engine, image):
    size = engine.inspect(image)["Size"]
    print(f"\nsize of the image: {size / 1e6:.0f} MB")
    assert size < 230e6


def test_no_tools_in_it(container):
    for name in ("gcc", "cc", "c++", "ld", "make", "cmake", "phpize", "curl", "git", "python3"):
        assert container.exec("sh", "-c", f"command -v {name}", check=False).returncode != 0, name
    assert container.exec("find", "/usr", "/etc", "/app", "-xdev", "-type", "f", "-perm", "/6000", check=False).stdout == ""
    assert "/usr/src" not in container.exec("find", "/usr/src", "-mindepth", "1", check=False).stdout


def test_nothing_belongs_to_the_user(container):
    """What scripts can write to is /tmp and what is mounted."""
    found = container.exec("find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "(", "-user", "10001", "-o", "-perm", "-o+w", "!", "-type", "l", ")", "-print", check=False)
    assert set(found.stdout.split()) - {"/tmp", "/var/tmp", "/run/lock", "/var/lock"} == set(), found.stdout


# ---- it serves


def test_it_serves(container):
    assert container.get("/") == (200, "hello from phpsrv")
    assert container.get("/style.css") == (200, "body{}")
    assert container.get("/none")[0] == 404


def test_logs_are_lines_for_machines(container):
    container.get("/?logged")
    wait_until(lambda: "/?logged" in container.log(), "the access log is on standard output")
    for line in container.log().splitlines():
        json.loads(line)


def test_extensions(container):
    loaded = {name.lower() for name in json.loads(container.get("/extensions.php")[1])}
    wanted = "bcmath ctype curl date dom exif fileinfo filter gd gettext gmp hash iconv intl json mbstring mysqli mysqlnd openssl pcre pdo pdo_mysql pdo_pgsql pdo_sqlite phar posix session simplexml soap sockets sodium sqlite3 tokenizer xml xmlreader xmlwriter xsl zip zlib"
    assert set(wanted.split()) - loaded == set()
    assert "zend opcache" in loaded


def test_scripts_on_the_command_line(container):
    assert container.exec("phpsrv", "run", "/app/public/index.php").stdout == "hello from cli"


def test_the_health_check(engine, container):
    assert json.loads(container.exec("phpsrv", "health").stdout)["status"] == "ok"
    assert container.exec("phpsrv", "health", "/ready").returncode == 0
    assert engine.run(*engine.podman, "healthcheck", "run", container.name, check=False).returncode == 0


# ---- rights


def test_who_it_is(container):
    uid, gid, pid, first = json.loads(container.get("/who.php")[1])
    assert (uid, gid, first) == (10001, 10001, "phpsrv") and pid > 1
    status = container.exec("cat", "/proc/1/status").stdout
    assert re.search(r"^CapEff:\s+0+$", status, re.M) and re.search(r"^NoNewPrivs:\s+1$", status, re.M)


@pytest.mark.parametrize(("path", "can"), [("/tmp/x", True), ("/app/x", False), ("/app/public/x.php", False), ("/usr/local/x", False), ("/etc/phpsrv/x", False), ("/var/tmp/x", False)])
def test_only_tmp_can_be_written(container, path, can):
    assert json.loads(container.get(f"/write.php?to={path}")[1]) == (1 if can else False)


def test_large_bodies_go_to_tmp(container):
    """Past what is kept in memory, with a root that cannot be written."""
    body = b"--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + b"x" * (1 << 20) + b"\r\n--b--\r\n"
    assert container.get("/upload.php", data=body, headers={"Content-Type": "multipart/form-data; boundary=b"}) == (200, str(1 << 20))
    assert container.get("/upload.php", data=b"y" * (8 << 20), headers={"Content-Type": "application/octet-stream"}) == (200, str(8 << 20))


# ---- PID 1


def test_orphans_are_reaped(container):
    for _ in range(5):
        assert container.get("/orphan.php") == (200, "ok")

    def states():
        return re.findall(r"^\d+ \(.*?\) (\w)", container.exec("sh", "-c", "cat /proc/[0-9]*/stat").stdout, re.M)

    wait_until(lambda: "Z" not in states() and "sleep" not in container.exec("sh", "-c", "cat /proc/[0-9]*/comm", check=False).stdout, "nobody is left")


def test_stop_finishes_what_runs(engine, image, app):
    with engines.Container(engine, image, f"--volume={app}:/app:ro") as running, concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(running.get, "/slow.php")
        wait_until(lambda: running.metric('phpsrv_workers{state="busy"}') >= 1, "the script runs")
        stopped = pool.submit(engine.run, *engine.podman, "stop", "--time=30", running.name)
        assert asked.result() == (200, "begun done")
        stopped.result()
        assert running.wait() == 0
        assert "server.draining" in running.log()


def test_interrupting_twice_ends_at_once(engine, image, app):
    with engines.Container(engine, image, f"--volume={app}:/app:ro") as running, concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(running.get, "/slow.php?ms=60000")
        wait_until(lambda: running.metric('phpsrv_workers{state="busy"}') >= 1, "the script runs")
        running.send("INT")
        wait_until(lambda: "server.draining" in running.log(), "it drains")
        running.send("INT")
        # long before the script would have ended
        assert running.wait(20) == 1
        asked.exception()


def test_reload(container):
    before = container.metric("phpsrv_server_generation")
    container.send("HUP")
    wait_until(lambda: container.is_ready() and container.metric("phpsrv_server_generation") > before, "the next server has taken over")
    assert container.get("/")[0] == 200


# ---- limits of the container


@pytest.mark.parametrize(("cpus", "workers"), [("0.5", 1), ("1", 1), ("1.5", 2)])
def test_workers_follow_the_cpu_quota(engine, image, app, cpus, workers):
    if workers > len(os.sched_getaffinity(0)):
        pytest.skip("the machine has fewer processors")
    with engines.Container(engine, image, f"--volume={app}:/app:ro", f"--cpus={cpus}") as running:
        assert running.metric("phpsrv_workers_configured") == workers


def test_too_much_memory_ends_the_server_and_not_the_container(engine, image, app):
    """The kernel ends the process that has taken it; the supervisor starts another."""
    with engines.Container(engine, image, f"--volume={app}:/app:ro", "--memory=256m", "--memory-swap=256m") as running:
        try:
            running.get("/eat.php")
        except OSError:
            pass  # cut off
        wait_until(running.is_ready, "it serves again")
        assert running.get("/") == (200, "hello from phpsrv")
        assert running.metric("phpsrv_server_crashes_total") >= 1 and running.process.poll() is None


def test_start_up_time(engine, image, app):
    ready = []
    for _ in range(5):
        with engines.Container(engine, image, f"--volume={app}:/app:ro") as running:
            ready.append(running.ready_after)
    print(f"\nfrom podman run to PHP's first answer: {min(ready) * 1000:.0f} ms")
    assert min(ready) < 30


def test_wrong_configuration_ends_it(engine, image):
    for variables in ({"PHPSRV_WORKERS": "many"}, {"PHPSRV_PORT": "tcp://10.0.0.1:80"}, {"PHPSRV_DOCROOT": "/nowhere"}):
        running = engines.Container(engine, image, environment=variables)
        try:
            assert running.wait() in (1, 2)
            assert "phpsrv: " in running.log()
        finally:
            running.__exit__()


# ---- applications


def test_wordpress(engine, image, tmp_path):
    import debian_site
    import httpx
    import pages
    import test_wordpress
    from forms import Forms
    from services import MariaDb

    (tmp_path / "db").mkdir()
    database = MariaDb(tmp_path / "db")
    try:
        database.run("CREATE DATABASE wordpress")
        site = tmp_path / "site"
        site.mkdir()
        docroot = debian_site.build("wordpress", site)
        for part in ("languages", "uploads"):
            shutil.copytree(site / "var/lib/wordpress/wp-content" / part, docroot / "wp-content" / part, dirs_exist_ok=True)
        (site / "etc/wordpress").mkdir(parents=True, exist_ok=True)
        (site / "etc/wordpress/config-default.php").write_text(test_wordpress.CONFIG.format(socket=database.socket, docroot=docroot))
        (site / "php.ini").write_text(test_wordpress.INI)
        subprocess.run(["chmod", "-R", "a+rX", site, tmp_path / "db"], check=True)
        uploads = docroot / "wp-content/uploads"
        os.chown(uploads, 10001, 10001)
        variables = {"PHPSRV_DOCROOT": docroot, "PHPSRV_STATIC_FOLLOW_SYMLINKS": "true", "PHPSRV_PHP_INI": site / "php.ini"}
        mounts = [f"--volume={site}:{site}:ro", f"--volume={uploads}:{uploads}", f"--volume={tmp_path}/db:{tmp_path}/db"]
        with engines.Container(engine, image, *mounts, environment=variables) as running:
            with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, timeout=60) as admin:
                install(admin, Forms, pages, test_wordpress)
                upload(admin, Forms, pages, test_wordpress)
            assert any("300x188" in path.name for path in uploads.rglob("picture-one*.png"))
            assert {path.stat().st_uid for path in uploads.rglob("picture-one*.png")} == {10001}
            assert '"level":"error"' not in running.log(), running.log()[-2000:]
    finally:
        database.stop()


def install(admin, forms, pages, wordpress):
    form = forms(pages.whole_page(admin.get("/wp-admin/install.php", params={"step": "1"}), 200)).with_field("weblog_title")
    form.update({
        "weblog_title": "Site in a container", "user_name": wordpress.USER, "admin_password": wordpress.PASSWORD, "admin_password2": wordpress.PASSWORD,
        "pw_weak": "on", "admin_email": "admin@test.example", "Submit": "Install WordPress",
    })  # fmt: skip
    assert "WordPress has been installed" in pages.whole_page(admin.post("/wp-admin/install.php?step=2", data=form), 200)
    assert "Site in a container" in pages.whole_page(admin.get("/"), 200)
    form = forms(pages.whole_page(admin.get("/wp-login.php"), 200)).with_field("log")
    answer = admin.post("/wp-login.php", data={**form, "log": wordpress.USER, "pwd": wordpress.PASSWORD, "wp-submit": "Log In"})
    assert "Dashboard" in pages.whole_page(admin.get(answer.headers["Location"]), 200)


def upload(admin, forms, pages, wordpress):
    form = forms(pages.whole_page(admin.get("/wp-admin/media-new.php", params={"browser-uploader": "1"}), 200)).with_field("_wpnonce")
    answer = admin.post("/wp-admin/media-new.php", data={**form, "html-upload": "Upload"}, files={"async-upload": ("picture one.png", wordpress.PICTURE, "image/png")})
    assert answer.is_redirect and "upload.php" in answer.headers["Location"]


def test_the_page_of_the_compose_file(engine, tmp_path):
    """An extension more in the image, sessions in a store that two servers reach, a database, passwords in files."""
    from services import MariaDb

    image = engine.build("localhost/phpsrv:test-redis", "--build-arg", "EXTENSIONS=redis")
    if shutil.which("redis-server") is None:
        pytest.fail("redis-server is not here: run ./dev setup images")
    subprocess.run([engines.ROOT / "docker/make_secrets.sh", tmp_path / "secrets"], check=True, stdout=subprocess.DEVNULL)
    (port,) = engines.free_ports(1)
    (tmp_path / "secrets/session.ini").chmod(0o644)
    ini = (tmp_path / "secrets/session.ini").read_text().replace("tcp://valkey:6379", f"tcp://127.0.0.1:{port}")
    (tmp_path / "secrets/session.ini").write_text(ini)
    password = (tmp_path / "secrets/mariadb_password").read_text().strip()
    (tmp_path / "db").mkdir()
    store = subprocess.Popen(
        ["redis-server", tmp_path / "secrets/valkey.conf", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path], stdout=subprocess.DEVNULL
    )
    database = None
    try:
        database = MariaDb(tmp_path / "db")
        database.run(f"CREATE DATABASE app; CREATE USER app@localhost IDENTIFIED BY '{password}'; GRANT ALL ON app.* TO app@localhost")
        subprocess.run(["chmod", "a+rx", tmp_path / "db"], check=True)
        mounts = [
            f"--volume={engines.ROOT}/docker/demo:/app:ro", f"--volume={tmp_path}/db:{tmp_path}/db", f"--volume={tmp_path}/secrets/mariadb_password:/run/secrets/mariadb_password:ro",
            f"--volume={tmp_path}/secrets/session.ini:/usr/local/etc/php/conf.d/session.ini:ro",
        ]  # fmt: skip
        variables = {"DATABASE_DSN": f"mysql:unix_socket={database.socket};dbname=app", "DATABASE_USER": "app", "DATABASE_PASSWORD_FILE": "/run/secrets/mariadb_password"}
        with engines.Container(engine, image, *mounts, environment=variables) as one, engines.Container(engine, image, *mounts, environment=variables) as two:
            cookie = {"Cookie": "PHPSESSID=" + "a" * 26}
            answers = [running.get("/", headers=cookie) for running in (one, two, one, two)]
            assert [status for status, _ in answers] == [200] * 4, answers
            counts = [(page["visits_of_this_session"], page["hits_of_all"]) for page in (json.loads(text) for _, text in answers)]
            assert counts == [(n, n) for n in range(1, 5)]
    finally:
        if database is not None:
            database.stop()
        store.terminate()
        store.wait()
