"""WordPress as Debian packages it, with MariaDB: installed and used over HTTP and with a browser; its pages compared with nginx + php-fpm.

The tests build on each other, as a person's visit does: they run in this order, in one process.
SPDX-License-Identifier: MIT
"""

import collections
import concurrent.futures
import re
import shutil
import struct
import xml.etree.ElementTree as ElementTree

import httpx
import pytest

import debian_site
import pages
import services
from compare import assert_same
from forms import Forms
from pictures import png
from services import MariaDb, Peer
from testenv import wait_until
from webdriver import Browser

USER, PASSWORD = "admin", "correct horse & battery <staple>"
WORD = "xylophonist"
CONTENT = f"<p>The word is {WORD}, ünïcödé ☃ &amp; <strong>bold</strong>.</p>"
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', 'localhost:{socket}');
define('WP_CONTENT_DIR', '{docroot}/wp-content');
define('WP_CRON_LOCK_TIMEOUT', 1); define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISALLOW_FILE_MODS', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {{ define($name . '_KEY', "key $name"); define($name . '_SALT', "salt $name"); }}
"""
INI = pages.INI + "post_max_size = 20M\n"
WORKER = """<?php
/* Beside WordPress: booted once, and asked by its visitors' pages. */
$boot = bin2hex(random_bytes(6));
$served = 0;
while (frankenphp_handle_request(function () use ($boot, &$served) {
    header('Content-Type: application/json');
    echo json_encode(['boot' => $boot, 'served' => ++$served, 'q' => $_GET['q'], 'wordpress' => defined('ABSPATH') || isset($GLOBALS['wp'])]);
})) {
    gc_collect_cycles();
}
"""
# Nonces and times, keys of caches, and the memory that a page took.
CHANGING = [re.compile(pattern) for pattern in (
    r'(?<=nonce=)[0-9a-f]{10}', r'(?<=value=")[0-9a-f]{10}(?=")', r'(?<=")[0-9a-f]{10}(?=")', r"(?<=')[0-9a-f]{10}(?=')",
    r'"(?:time|server_time|clientId|expires?)":"?[\d.:, -]+"?', r"\b\d\d:\d\d:\d\d\b", r'\\u0026_wpnonce=[0-9a-f]{10}',
    r"<lastBuildDate>[^<]+<", r"Expires: [^\n]+", r"Last-Modified: [^\n]+", r"(?<=ver=)\d{10,}", r"wp-settings-time-\d+\W+\d+", r'"uid":"\d+","time":"\d+"', r"uid=1; \d+", r'data-pw="[^"]*"', r'mailto:[^"]*">[^<]*<',
    r"\b\d+ (?:second|minute)s? ago\b",
)]  # fmt: skip

pytestmark = pytest.mark.slow


PICTURE = png(640, 400)


class Site(services.Site):
    """The server, the database and the peer, all of one folder."""

    def begin(self, launch, folder):
        (folder / "db").mkdir()
        self.database = MariaDb(folder / "db")
        self.database.run("CREATE DATABASE wordpress")
        self.docroot = debian_site.build("wordpress", folder)
        for part in ("languages", "uploads"):
            shutil.copytree(folder / "var/lib/wordpress/wp-content" / part, self.docroot / "wp-content" / part, dirs_exist_ok=True)
        (folder / "etc/wordpress").mkdir(parents=True, exist_ok=True)
        (folder / "etc/wordpress/config-default.php").write_text(CONFIG.format(socket=self.database.socket, docroot=self.docroot))
        (folder / "php.ini").write_text(INI)
        (self.docroot / "worker.php").write_text(WORKER)
        self.server = launch(
            "--static-follow-symlinks=true", "--php-ini", folder / "php.ini", "--worker", "worker.php,2", docroot=self.docroot, executor="ext", workers=4,
        )  # fmt: skip
        self.url = "http://%s:%d" % self.server.address
        (folder / "peer").mkdir()
        self.peer = Peer(folder / "peer", self.server, folder / "php.ini")

    def value(self, statement):
        return self.database.run("USE wordpress; " + statement).stdout.strip()


@pytest.fixture(scope="module")
def site(launch_module, tmp_path_factory):
    made = Site(launch_module, tmp_path_factory.mktemp("wp"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def admin(site):
    with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def visitor(site):
    with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as client:
        yield client


def page(response, status=200):
    """The text of a page that is whole and shows no error of PHP or WordPress."""
    return pages.whole_page(response, status, "critical error", "Error establishing a database connection")


def follow(client, response):
    assert response.is_redirect, (response.status_code, response.text[:1500])
    return client.get(response.headers["Location"])


def rest_nonce(admin):
    text = page(admin.get("/wp-admin/post-new.php"))
    return re.search(r'createNonceMiddleware\( "([0-9a-f]{10})" \)', text).group(1)


def create_post(admin, **fields):
    """As the block editor does it."""
    answer = admin.post("/index.php", params={"rest_route": "/wp/v2/posts"}, json=fields, headers={"X-WP-Nonce": rest_nonce(admin)})
    assert answer.status_code == 201, answer.text[:1000]
    return answer.json()


def test_installer(site, admin):
    answer = admin.get("/")
    assert answer.is_redirect and answer.headers["Location"].endswith("/wp-admin/install.php")
    form = Forms(page(admin.get("/wp-admin/install.php", params={"step": "1"}))).with_field("weblog_title")
    form.update({
        "weblog_title": "Site of the tests", "user_name": USER, "admin_password": PASSWORD, "admin_password2": PASSWORD, "pw_weak": "on",
        "admin_email": "admin@test.example", "Submit": "Install WordPress",
    })  # fmt: skip
    answer = page(admin.post("/wp-admin/install.php?step=2", data=form))
    assert "WordPress has been installed" in answer, answer[:3000]
    assert site.value("SELECT COUNT(*) FROM wp_users") == "1"


def test_front_page(visitor):
    text = page(visitor.get("/"))
    assert "Site of the tests" in text and "Hello world!" in text


def test_wrong_password(visitor):
    form = Forms(page(visitor.get("/wp-login.php"))).with_field("log")
    answer = visitor.post("/wp-login.php", data={**form, "log": USER, "pwd": "wrong", "wp-submit": "Log In"})
    assert "is incorrect" in page(answer) and "wordpress_logged_in" not in str(visitor.cookies)


def test_admin_is_closed_to_visitors(visitor):
    answer = visitor.get("/wp-admin/")
    assert answer.is_redirect and "/wp-login.php?redirect_to=" in answer.headers["Location"]


def test_login(admin):
    form = Forms(page(admin.get("/wp-login.php"))).with_field("log")
    answer = admin.post("/wp-login.php", data={**form, "log": USER, "pwd": PASSWORD, "rememberme": "forever", "wp-submit": "Log In"})
    assert "Dashboard" in page(follow(admin, answer))


def test_upload_an_image(site, admin):
    form = Forms(page(admin.get("/wp-admin/media-new.php", params={"browser-uploader": "1"}))).with_field("_wpnonce")
    answer = admin.post(
        "/wp-admin/media-new.php", data={**form, "html-upload": "Upload"}, files={"async-upload": ("picture one.png", PICTURE, "image/png")}
    )
    assert "upload.php" in follow(admin, answer).url.path
    stored = sorted((site.docroot / "wp-content/uploads").rglob("picture-one*.png"))
    assert stored[-1].read_bytes() == PICTURE or stored[0].read_bytes() == PICTURE
    assert any("300x188" in path.name for path in stored), f"GD made smaller ones: {stored}"


def test_write_a_post_with_the_image(admin, visitor):
    picture = admin.get("/index.php", params={"rest_route": "/wp/v2/media"}).json()[0]
    sizes = picture["media_details"]["sizes"]
    answer = visitor.get(sizes["medium"]["source_url"])
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
    assert struct.unpack(">II", answer.content[16:24]) == (300, 188)
    content = f'{CONTENT}<!-- wp:image {{"id":{picture["id"]}}} --><figure class="wp-block-image"><img src="{picture["source_url"]}" alt=""/></figure><!-- /wp:image -->'
    post = create_post(admin, title="First post", content=content, status="publish", featured_media=picture["id"])
    text = page(visitor.get(post["link"]))
    assert "First post" in text and f"The word is {WORD}, ünïcödé ☃" in text
    source = next(image for image in Forms(text).images if "picture-one" in image)
    answer = visitor.get(source)
    assert answer.status_code == 200 and answer.content.startswith(b"\x89PNG")


def test_comment(site, admin, visitor):
    post = visitor.get("/index.php", params={"rest_route": "/wp/v2/posts"}).json()[0]
    form = Forms(page(visitor.get(post["link"]))).with_field("comment")
    form.update({"author": "A Visitor", "email": "visitor@test.example", "comment": "First! <b>bold</b> <script>x</script>"})
    answer = visitor.post("/wp-comments-post.php", data=form)
    assert "awaiting moderation" in page(follow(visitor, answer))
    listed = page(admin.get("/wp-admin/edit-comments.php"))
    link = re.search(r'href=[\'"]([^\'"]*action=approvecomment[^\'"]*)', listed).group(1).replace("&#038;", "&").replace("&amp;", "&")
    assert admin.get("/wp-admin/" + link).is_redirect
    text = page(visitor.get(post["link"]))
    assert "A Visitor" in text and "<script>x</script>" not in text
    assert site.value("SELECT comment_approved FROM wp_comments ORDER BY comment_ID DESC LIMIT 1") == "1"


def test_permalinks(site, admin, visitor):
    form = Forms(page(admin.get("/wp-admin/options-permalink.php"))).with_field("permalink_structure")
    answer = admin.post("/wp-admin/options-permalink.php", data={**form, "selection": "custom", "permalink_structure": "/index.php/%postname%/", "submit": "Save Changes"})
    page(answer if answer.status_code == 200 else follow(admin, answer))
    assert WORD in page(visitor.get("/index.php/first-post/"))
    assert "First post" in page(visitor.get("/index.php/category/uncategorized/"))
    moved = visitor.get("/", params={"p": site.value("SELECT ID FROM wp_posts WHERE post_name = 'first-post'")})
    assert moved.status_code == 301 and moved.headers["Location"] == site.url + "/index.php/first-post/"
    page(visitor.get("/index.php/no-such-page/"), 404)


def test_rest_api(visitor, admin):
    answer = visitor.get("/index.php/wp-json/wp/v2/posts", params={"search": WORD, "_fields": "id,title"})
    assert answer.status_code == 200 and answer.headers["X-WP-Total"] == "1", answer.text[:500]
    assert answer.json()[0]["title"]["rendered"] == "First post"
    assert visitor.post("/index.php/wp-json/wp/v2/posts", json={"title": "x"}).status_code == 401
    draft = create_post(admin, title="Draft", content="not yet")
    assert visitor.get(f"/index.php/wp-json/wp/v2/posts/{draft['id']}").status_code == 401
    changed = admin.request(
        "PUT", f"/index.php/wp-json/wp/v2/posts/{draft['id']}", json={"title": "Changed"}, headers={"X-WP-Nonce": rest_nonce(admin)}
    )
    assert changed.json()["title"]["raw"] == "Changed"
    gone = admin.request("DELETE", f"/index.php/wp-json/wp/v2/posts/{draft['id']}", params={"force": "true"}, headers={"X-WP-Nonce": rest_nonce(admin)})
    assert gone.json()["deleted"] is True


def test_search_and_feed(visitor):
    assert "First post" in page(visitor.get("/", params={"s": WORD}))
    plain = {"Accept-Encoding": "identity"}  # compressed, the tag is a weak one, which this version of WordPress does not take back
    answer = visitor.get("/index.php/feed/", headers=plain)
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    assert [item.findtext("title") for item in ElementTree.fromstring(answer.content).iter("item")][0] == "First post"
    unchanged = visitor.get("/index.php/feed/", headers={**plain, "If-None-Match": answer.headers["ETag"], "If-Modified-Since": answer.headers["Last-Modified"]})
    assert unchanged.status_code == 304 and unchanged.content == b""


def test_xmlrpc(visitor):
    call = "<?xml version='1.0'?><methodCall><methodName>system.listMethods</methodName><params/></methodCall>"
    answer = visitor.post("/xmlrpc.php", content=call, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 200 and "<string>wp.getPost</string>" in answer.text


def test_cron(site, visitor):
    """A visit starts wp-cron by a request of the server to itself, while the visit goes on."""
    folder = site.docroot / "wp-content/mu-plugins"
    folder.mkdir()
    (folder / "cron.php").write_text("""<?php
        add_action('tests_event', fn() => update_option('tests_ran_in', strtok($_SERVER['REQUEST_URI'], '?')));
        add_action('init', fn() => isset($_GET['schedule']) && wp_schedule_single_event(time() - 1, 'tests_event'));""")
    page(visitor.get("/", params={"schedule": "1"}))
    page(visitor.get("/"))
    wait_until(lambda: site.value("SELECT option_value FROM wp_options WHERE option_name = 'tests_ran_in'") == "/wp-cron.php", "the event has run")
    (folder / "cron.php").unlink()


def test_a_worker_script_beside_it(site):
    """WordPress cannot be booted once; it is run as ever, while another script of the same server is."""

    def ask(i):
        with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as client:
            text = page(client.get("/", params={"s": f"{WORD} {i}"}))
            found = [client.get("/worker.php", params={"q": f"{i} {n}"}).json() for n in range(10)]
        return f"{WORD} {i}" in text and [answer["q"] for answer in found] == [f"{i} {n}" for n in range(10)], found

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(24)))
    assert all(is_own for is_own, _ in answers)
    answers = [answer for _, found in answers for answer in found]
    assert not any(answer["wordpress"] for answer in answers)
    served = collections.defaultdict(list)
    for answer in answers:
        served[answer["boot"]].append(answer["served"])
    assert len(served) <= 2 and all(sorted(counts) == list(range(1, len(counts) + 1)) for counts in served.values())


PAGES = [
    "/", "/index.php/first-post/", "/index.php/no-such-page/", "/?s=" + WORD, "/index.php/feed/", "/index.php/comments/feed/",
    "/index.php/category/uncategorized/", "/index.php/wp-json/wp/v2/posts", "/index.php/wp-json/", "/wp-login.php", "/wp-login.php?action=lostpassword",
    "/index.php/wp-sitemap.xml", "/?p=1", "/wp-admin/", "/wp-includes/version.php", "/index.php?robots=1",
    "/xmlrpc.php", "/wp-cron.php", "/wp-admin/load-styles.php?c=1&dir=ltr&load%5B%5D=dashicons,buttons,forms",
]  # fmt: skip
ADMIN_PAGES = [
    "/wp-admin/index.php", "/wp-admin/edit.php", "/wp-admin/upload.php?mode=list", "/wp-admin/edit-comments.php", "/wp-admin/options-general.php", "/wp-admin/users.php",
    "/wp-admin/profile.php", "/wp-admin/themes.php", "/wp-admin/plugins.php", "/wp-admin/tools.php", "/wp-admin/options-permalink.php", "/index.php/first-post/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_same_page_as_php_fpm(site, visitor, path):
    visitor.cookies.clear()
    theirs = site.peer.get(path, visitor)
    assert_same(visitor.get(path), theirs, CHANGING)


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_same_admin_page_as_php_fpm(site, admin, path):
    ours = admin.get(path)
    page(ours)
    assert_same(ours, site.peer.get(path, admin), CHANGING)


def test_a_browser_logs_in(site, tmp_path):
    browser = Browser()
    try:
        browser.visit(site.url + "/wp-admin/")
        wait_until(lambda: "Log In" in browser.title(), "the login page")
        wait_until(lambda: browser.run("return document.activeElement.id") == "user_login", "the page's script has put the cursor into its field")
        browser.type("#user_login", USER)
        browser.type("#user_pass", PASSWORD)
        browser.click("#wp-submit")
        wait_until(lambda: "Dashboard" in browser.title(), "the dashboard", timeout=30)
        wait_until(lambda: browser.run("return document.readyState === 'complete'"), "all of it is there")
        assert browser.run("return typeof jQuery") == "function"
        assert browser.run("return getComputedStyle(document.querySelector('#wpadminbar')).position") == "fixed", "styles are there"
        picture = browser.screenshot(tmp_path / "dashboard.png")
        assert picture.stat().st_size > 30_000
        browser.visit(site.url + "/index.php/first-post/")
        assert browser.run("return [...document.images].some(i => i.src.includes('picture-one') && i.naturalWidth > 0)")
        assert browser.screenshot(tmp_path / "post.png").stat().st_size > 30_000
    finally:
        browser.stop()


def test_logout(admin):
    text = page(admin.get("/wp-admin/index.php"))
    link = re.search(r'href=[\'"]([^\'"]*action=logout[^\'"]*)', text).group(1).replace("&amp;", "&").replace("&#038;", "&")
    assert admin.get(link).is_redirect
    assert admin.get("/wp-admin/").is_redirect
