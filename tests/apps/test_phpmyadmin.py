"""phpMyAdmin as Debian packages it, with MariaDB: used over HTTP as its pages' scripts do; its pages compared with nginx + php-fpm.

The tests build on each other, as a person's visit does: they run in this order, in one process.
SPDX-License-Identifier: MIT
"""

import re

import httpx
import pytest

import debian_site
import pages
import services
from compare import assert_same
from forms import Forms
from services import MariaDb, Peer

PASSWORD = "secret & <p>"
CONFIG = """<?php
$cfg['blowfish_secret'] = str_repeat('x', 32);
$cfg['Servers'][1] = ['auth_type' => 'cookie', 'host' => 'localhost', 'socket' => '{socket}', 'compress' => false];
$cfg['SendErrorReports'] = 'never'; $cfg['VersionCheck'] = false;
"""
INI = f"""{pages.INI}
include_path = ".:{{folder}}/usr/share/php"
session.save_path = "{{folder}}/sessions"
"""
CHANGING = [re.compile(pattern) for pattern in (
    r'(?<=name="token" value=")[0-9a-f]+', r'(?<=token=)[0-9a-f%]+', r'token:"[^"]*"', r"[0-9a-f]{32}", r'"noplugin" value="[0-9a-f]+"', r"Expires: [^\n]+", r"Last-Modified: [^\n]+", r"took [\d.]+ seconds",
    r"\b\d\d:\d\d(:\d\d)?\b", r"server_time\D+\d+", r"(?<=nocache=)\d+", r'"?time"?:\s*\d+', r"\b1[78]\d{8}\b", r"\b\d+ minutes[^<]*", r'\d+(?=,?"? ?seconds)', r"_nocache=\d+",
)]  # fmt: skip

pytestmark = pytest.mark.slow


class Site(services.Site):
    def begin(self, launch, folder):
        for name in ("db", "sessions", "peer"):
            (folder / name).mkdir()
        self.database = MariaDb(folder / "db")
        self.docroot = debian_site.build("phpmyadmin", folder)
        (folder / "etc/phpmyadmin/conf.d").mkdir(parents=True, exist_ok=True)
        (folder / "etc/phpmyadmin/conf.d/tests.php").write_text(CONFIG.format(socket=self.database.socket))
        (folder / "php.ini").write_text(INI.format(folder=folder))
        self.database.run(f"CREATE USER tester@localhost IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO tester@localhost WITH GRANT OPTION")
        self.server = launch("--static-follow-symlinks=true", "--php-ini", folder / "php.ini", docroot=self.docroot, executor="ext", workers=4)
        self.peer = Peer(folder / "peer", self.server, folder / "php.ini")

@pytest.fixture(scope="module")
def site(launch_module, tmp_path_factory):
    made = Site(launch_module, tmp_path_factory.mktemp("pma"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def user(site):
    with httpx.Client(base_url="http://%s:%d" % site.server.address, trust_env=False, timeout=60, follow_redirects=True) as client:
        yield client


def page(response, status=200):
    """The text of a page that is whole and shows no error of PHP or phpMyAdmin."""
    pages.assert_status(response, status)
    text = re.sub(r"(?s)<noscript>.*?</noscript>", "", response.text)
    pages.assert_sound(text)
    return text


def token(user):
    return Forms(page(user.get("/index.php?route=/"))).with_field("token")["token"]


def call(user, route, **fields):
    """As the page's script sends a form: the answer is JSON."""
    answer = user.post("/index.php", params={"route": route}, data={"ajax_request": "1", "token": token(user), "server": "1", **fields})
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json"), answer.text[:1000]
    return answer.json()


def test_login_page(user):
    assert "Welcome to" in page(user.get("/")) and "phpMyAdmin" in user.cookies


def test_wrong_password(user):
    form = Forms(user.get("/").text).with_field("pma_username")
    answer = user.post("/index.php?route=/", data={**form, "pma_username": "tester", "pma_password": "wrong"})
    assert "Cannot log in to the MySQL server" in answer.text


def test_login(user):
    form = Forms(user.get("/").text).with_field("pma_username")
    text = page(user.post("/index.php?route=/", data={**form, "pma_username": "tester", "pma_password": PASSWORD}))
    assert "tester@localhost" in text and "Localhost via UNIX socket" in text


def test_create_a_database(site, user):
    assert call(user, "/server/databases/create", new_db="shop", db_collation="utf8mb4_general_ci")["success"] is True
    assert "shop" in site.database.run("SHOW DATABASES").stdout


def test_import_a_file(site, user):
    statements = "CREATE TABLE goods (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), price DECIMAL(8,2));\n"
    statements += "".join(f"INSERT INTO goods (name, price) VALUES ('Article {n} äöü', {n}.5);\n" for n in range(500))
    answer = user.post(
        "/index.php", params={"route": "/import"},
        data={"token": token(user), "db": "shop", "format": "sql", "import_type": "database", "charset_of_file": "utf-8", "allow_interrupt": "yes"},
        files={"import_file": ("goods.sql", statements.encode(), "application/sql")},
    )  # fmt: skip
    assert "Import has been successfully finished" in page(answer)
    assert site.database.run("SELECT COUNT(*), SUM(price) FROM shop.goods").stdout.split() == ["500", "125000.00"]


def test_browse(user):
    text = page(user.get("/index.php", params={"route": "/sql", "db": "shop", "table": "goods", "pos": "0"}))
    assert "Article 0 äöü" in text and "500 total" in text


def test_a_query(user):
    answer = call(user, "/sql", db="shop", sql_query="SELECT COUNT(*) AS counted FROM goods WHERE price > 100", is_js_confirmed="0")
    assert answer["success"] is True and "400" in answer["message"]
    wrong = call(user, "/sql", db="shop", sql_query="SELEKT 1")
    assert wrong["success"] is False and "error in your SQL syntax" in wrong["error"]


def test_insert_a_row(site, user):
    form = Forms(page(user.get("/index.php", params={"route": "/table/change", "db": "shop", "table": "goods"}))).with_field("fields_name[multi_edit][0][b80bb7740288fda1f201890375a60c8f]")
    name = next(key for key, value in form.items() if key.startswith("fields_name") and value == "name")
    key = name.replace("fields_name", "fields")
    price = next(key for key, value in form.items() if key.startswith("fields_name") and value == "price").replace("fields_name", "fields")
    answer = user.post("/index.php?route=/table/replace", data={**form, key: "by the form <b>", price: "1.25", "submit_type": "save", "after_insert": "back"})
    assert "1 row inserted" in page(answer)
    assert site.database.run("SELECT name FROM shop.goods ORDER BY id DESC LIMIT 1").stdout.strip() == "by the form <b>"


def test_structure(user):
    text = page(user.get("/index.php", params={"route": "/table/structure", "db": "shop", "table": "goods"}))
    assert "decimal(8,2)" in text and "AUTO_INCREMENT" in text


@pytest.mark.parametrize(("kind", "expected"), [("sql", "INSERT INTO goods"), ("csv", '"Article 7 äöü"'), ("json", '"name":"Article 7')])
def test_export(user, kind, expected):
    form = Forms(page(user.get("/index.php", params={"route": "/table/export", "db": "shop", "table": "goods"}))).with_field("export_method")
    chosen = {"what": kind, f"{kind}_structure_or_data": "structure_and_data", "sql_type": "INSERT", "sql_insert_syntax": "both", "sql_max_query_size": "50000"}
    answer = user.post("/index.php?route=/export", data={**form, **chosen, "quick_or_custom": "quick", "output_format": "sendit"})
    assert answer.status_code == 200 and f'filename="goods.{kind}"' in answer.headers["Content-Disposition"], answer.text[:500]
    assert expected in answer.text
    assert answer.text.count("Article") == 500


def test_scripts_and_styles(user):
    text = page(user.get("/index.php?route=/"))
    paths = re.findall(r'(?:href|src)="((?:js|themes|index\.php\?route=/(?:messages|config))[^"]*)"', text)
    assert len(paths) > 20
    for path in paths:
        answer = user.get("/" + path.replace("&amp;", "&"))
        assert answer.status_code == 200 and answer.content, path


PAGES = [
    "/index.php?route=/", "/index.php?route=/server/databases", "/index.php?route=/database/structure&db=shop", "/index.php?route=/table/structure&db=shop&table=goods",
    "/index.php?route=/server/sql", "/index.php?route=/server/variables", "/index.php?route=/server/collations", "/index.php?route=/table/search&db=shop&table=goods",
    "/index.php?route=/database/export&db=shop", "/index.php?route=/database/import&db=shop", "/index.php?route=/table/change&db=shop&table=goods", "/index.php?route=/nowhere",
    "/index.php?route=/preferences/manage", "/url.php?url=https://www.php.net/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_same_page_as_php_fpm(site, user, path):
    theirs = site.peer.get(path, user)
    assert_same(user.get(path, follow_redirects=False), theirs, CHANGING)


def test_logout(user):
    answer = user.post("/index.php?route=/logout", data={"token": token(user)})
    assert "Welcome to" in page(answer)
    assert "tester@localhost" not in user.get("/index.php?route=/").text
