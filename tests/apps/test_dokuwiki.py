"""DokuWiki as Debian packages it, installed and used over HTTP: install, log in, edit, search, upload, view, log out.

The tests build on each other, as a person's visit does: they run in this order, in one process.
SPDX-License-Identifier: MIT
"""

import re
import struct
import time

import httpx
import pytest

import debian_site
import pages
from compare import assert_same
from forms import Forms
from pictures import png
from services import Peer
from testenv import wait_until

USER, PASSWORD = "admin", "correct horse & battery <staple>"
PAGE = "tests:first_page"
WORD = "xylophonist"
TEXT = f"""====== First page ======
The word is {WORD}, and **bold**, and ünïcödé ☃.

{{{{:tests:picture.png}}}}

<code php>
<?php echo "highlighted";
</code>
"""

pytestmark = pytest.mark.slow


PICTURE = png(320, 200)
INI = """
display_errors = 0
log_errors = 1
error_reporting = E_ALL & ~E_DEPRECATED & ~E_NOTICE
memory_limit = 256M
upload_max_filesize = 20M
post_max_size = 20M
date.timezone = UTC
session.save_path = "{sessions}"
opcache.enable = 1
opcache.revalidate_freq = 0
"""


@pytest.fixture(scope="module")
def wiki(launch_module, tmp_path_factory):
    """The server with the site; its files lie in a temporary folder."""
    folder = tmp_path_factory.mktemp("dokuwiki")
    docroot = debian_site.build("dokuwiki", folder)
    for name, place in (("conf", "etc/dokuwiki"), ("data", "var/lib/dokuwiki/data")):
        if not (docroot / name).exists():
            (docroot / name).symlink_to(folder / place)
    (folder / "sessions").mkdir()
    (folder / "php.ini").write_text(INI.format(sessions=folder / "sessions"))
    server = launch_module(
        "--static-follow-symlinks=true", "--php-ini", folder / "php.ini", docroot=docroot, executor="ext", workers=4
    )
    return server


@pytest.fixture(scope="module")
def browser(wiki):
    with httpx.Client(base_url="http://%s:%d" % wiki.address, trust_env=False, timeout=60) as client:
        yield client


def harden(docroot):
    """After the installation configuration and data are not reached over the web any more, as Debian has it."""
    for name in ("conf", "data", "install.php"):
        if (docroot / name).is_symlink() or (docroot / name).is_file():
            (docroot / name).unlink()


def page(response, status=200):
    """The text of a page that is whole and shows no error of PHP or DokuWiki."""
    return pages.whole_page(response, status, '<div class="error">')


def test_installer(wiki, browser):
    form = Forms(page(browser.get("/install.php"))).with_field("d[title]")
    form.update({
        "d[title]": "Wiki of the tests", "d[superuser]": USER, "d[fullname]": "An Administrator", "d[email]": "admin@test.example",
        "d[password]": PASSWORD, "d[confirm]": PASSWORD, "d[acl]": "on", "d[policy]": "1", "submit": "",
    })  # fmt: skip
    form.pop("d[pop]", None)
    answer = page(browser.post("/install.php", data=form))
    assert "The configuration was finished successfully" in answer, answer[:3000]
    assert (wiki.docroot / "conf/local.php").read_text().count("Wiki of the tests") == 1
    again = browser.get("/install.php").text
    assert "exists" in again, "a second installation must be refused"
    harden(wiki.docroot)


def test_front_page(browser):
    answer = browser.get("/")
    if answer.is_redirect:
        answer = browser.get(answer.headers["Location"])
    assert "Wiki of the tests" in page(answer)


def test_anonymous_visitor_may_not_edit(browser):
    assert 'name="wikitext"' not in browser.get("/doku.php", params={"id": PAGE, "do": "edit"}).text or (
        "readonly" in browser.get("/doku.php", params={"id": PAGE, "do": "edit"}).text
    )


def test_wrong_password(browser):
    form = Forms(page(browser.get("/doku.php", params={"id": "start", "do": "login"}))).with_field("u")
    answer = browser.post("/doku.php", data={**form, "u": USER, "p": "wrong"})
    assert "Sorry, username or password was wrong" in answer.text


def test_login(browser):
    form = Forms(page(browser.get("/doku.php", params={"id": "start", "do": "login"}))).with_field("u")
    answer = browser.post("/doku.php", data={**form, "u": USER, "p": PASSWORD})
    assert answer.is_redirect, answer.text[:1000]
    assert any(name.startswith("DW") for name in browser.cookies), dict(browser.cookies)
    assert "An Administrator" in page(browser.get(answer.headers["Location"]))


def stored_page(wiki, name):
    return wiki.docroot.parents[2] / "var/lib/dokuwiki/data/pages/tests" / f"{name}.txt"


def save(browser, page_id, text):
    form = Forms(page(browser.get("/doku.php", params={"id": page_id, "do": "edit"}))).with_field("wikitext")
    answer = browser.post("/doku.php", data={**form, "id": page_id, "wikitext": text, "do[save]": "1", "summary": "by a test"})
    assert answer.is_redirect, answer.text[:1500]
    return browser.get(answer.headers["Location"])


def test_edit(wiki, browser):
    answer = page(save(browser, PAGE, TEXT))
    assert WORD in answer and "<strong>bold</strong>" in answer and "ünïcödé ☃" in answer
    assert "highlighted" in answer
    assert stored_page(wiki, "first_page").read_text().strip() == TEXT.strip()


def test_edit_again_and_compare(wiki, browser):
    """DokuWiki numbers revisions by the second: the next one must have begun."""
    first = stored_page(wiki, "first_page").stat().st_mtime
    wait_until(lambda: int(time.time()) > int(first), "the next second")
    page(save(browser, PAGE, TEXT + "\nA second version.\n"))
    assert "by a test" in page(browser.get("/doku.php", params={"id": PAGE, "do": "revisions"}))
    assert "A second version." in page(browser.get("/doku.php", params={"id": PAGE, "do": "diff"}))


def test_preview_keeps_the_text(browser):
    form = Forms(page(browser.get("/doku.php", params={"id": PAGE, "do": "edit"}))).with_field("wikitext")
    answer = page(browser.post("/doku.php", data={**form, "wikitext": "//slanted// & <b>", "do[preview]": "1"}))
    assert "<em>slanted</em> &amp; &lt;b&gt;" in answer


def test_large_page(browser):
    """A form of some hundred kilobytes: past what is kept in memory of a request body."""
    text = "".join(f"Line {n} of a long page äöü.\n\n" for n in range(12000))
    assert "Line 11999 of a long page" in page(save(browser, "tests:large", text))


def test_search(browser):
    """The index is brought up to date by the picture that every page asks for."""
    indexer = browser.get("/lib/exe/taskrunner.php", params={"id": PAGE})
    assert indexer.status_code == 200 and indexer.headers["Content-Type"].startswith("image/gif")
    assert indexer.content.startswith(b"GIF8")
    answer = page(browser.get("/doku.php", params={"id": "start", "do": "search", "q": WORD}))
    assert "first_page" in answer
    assert re.search(rf'<strong class="search_hit">{WORD}', answer), answer[-3000:]
    nothing = page(browser.get("/doku.php", params={"id": "start", "do": "search", "q": "zzznothing"}))
    assert 'class="search_hit"' not in nothing


def test_upload(wiki, browser):
    form = Forms(browser.get("/lib/exe/mediamanager.php", params={"ns": "tests"}).text).with_field("sectok")
    answer = browser.post(
        "/lib/exe/mediamanager.php",
        params={"ns": "tests"},
        data={"sectok": form["sectok"], "ns": "tests", "mediaid": "picture.png"},
        files={"upload": ("local name.png", PICTURE, "image/png")},
    )
    assert answer.status_code == 200 and "Upload successful" in answer.text, answer.text[:3000]
    assert (wiki.docroot.parents[2] / "var/lib/dokuwiki/data/media/tests/picture.png").read_bytes() == PICTURE


def test_upload_of_a_wrong_kind_is_refused(browser):
    form = Forms(browser.get("/lib/exe/mediamanager.php", params={"ns": "tests"}).text).with_field("sectok")
    answer = browser.post(
        "/lib/exe/mediamanager.php",
        params={"ns": "tests"},
        data={"sectok": form["sectok"], "ns": "tests", "mediaid": "evil.php"},
        files={"upload": ("evil.php", b"<?php echo 1;", "application/x-php")},
    )
    assert "Upload successful" not in answer.text


def test_view_the_picture(browser):
    answer = browser.get("/lib/exe/fetch.php", params={"media": "tests:picture.png"})
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
    assert answer.content == PICTURE
    again = browser.get(
        "/lib/exe/fetch.php", params={"media": "tests:picture.png"}, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304 and again.content == b""
    part = browser.get("/lib/exe/fetch.php", params={"media": "tests:picture.png"}, headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == PICTURE[10:20]


def test_the_page_shows_the_picture(browser):
    """Also scaled: PHP's gd draws it."""
    page(save(browser, "tests:gallery", "{{:tests:picture.png?100}}"))
    images = Forms(page(browser.get("/doku.php", params={"id": "tests:gallery"}))).images
    source = next(image for image in images if "picture.png" in image)
    answer = browser.get(source)
    assert answer.status_code == 200 and answer.content.startswith(b"\x89PNG")
    assert struct.unpack(">II", answer.content[16:24]) in ((100, 62), (100, 63))


def test_styles_and_scripts(browser):
    front = page(browser.get("/doku.php"))
    styles = re.search(r'href="([^"]*lib/exe/css\.php[^"]*)"', front).group(1).replace("&amp;", "&")
    answer = browser.get(styles)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/css") and len(answer.content) > 20_000
    scripts = re.findall(r'src="([^"]*lib/exe/(?:js|jquery)\.php[^"]*)"', front)
    assert scripts
    for source in scripts:
        answer = browser.get(source.replace("&amp;", "&"))
        assert answer.status_code == 200 and "javascript" in answer.headers["Content-Type"] and len(answer.content) > 50_000


def test_files_of_the_template(browser):
    """They lie behind a symbolic link out of the document root."""
    answer = browser.get("/lib/tpl/dokuwiki/images/logo.png")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
    assert browser.get("/lib/images/fileicons/svg/pdf.svg").headers["Content-Type"].startswith("image/svg+xml")


def test_feed(browser):
    answer = browser.get("/feed.php")
    assert answer.status_code == 200 and "xml" in answer.headers["Content-Type"]
    assert "first_page" in answer.text


def test_ajax(browser):
    answer = browser.post("/lib/exe/ajax.php", data={"call": "qsearch", "q": "first"})
    assert answer.status_code == 200 and "first_page" in answer.text


def test_admin_pages(browser):
    assert "admin" in page(browser.get("/doku.php", params={"id": "start", "do": "admin"})).lower()
    page(browser.get("/doku.php", params={"id": "start", "do": "admin", "page": "usermanager"}))
    page(browser.get("/doku.php", params={"id": "start", "do": "admin", "page": "config"}))


def test_visitors_at_the_same_time(wiki):
    """Forty readers on four workers see the same page, and nobody another's session.

    DokuWiki truncates a rendered page's cache file before it writes it anew, and reads it without a lock: who reads between
    the two gets an empty page, on every server.  The first visit renders, so that the others find a file that nobody writes.
    """
    import concurrent.futures

    def visit(_):
        with httpx.Client(base_url="http://%s:%d" % wiki.address, trust_env=False, timeout=60) as client:
            return page(client.get("/doku.php", params={"id": PAGE}))

    first = visit(0)
    assert WORD in first
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for text in pool.map(visit, range(40)):
            assert WORD in text, text
            assert "An Administrator" not in text, text


def test_logout(browser):
    link = re.search(r'href="([^"]*do=logout[^"]*)"', page(browser.get("/doku.php", params={"id": PAGE}))).group(1)
    browser.get(link.replace("&amp;", "&"), follow_redirects=True)
    assert "An Administrator" not in page(browser.get("/doku.php", params={"id": PAGE}))


def test_private_files_are_not_served(browser):
    for path in ("/conf/users.auth.php", "/data/pages/tests/first_page.txt", "/inc/init.php", "/.htaccess", "/install.php"):
        answer = browser.get(path)
        assert PASSWORD not in answer.text and "$2y$" not in answer.text and WORD not in answer.text


def test_nothing_was_logged_as_an_error(wiki):
    """What PHP complained about on the way: fatal errors of DokuWiki on this PHP would show here."""
    fatal = [line for line in wiki.log_lines() if re.search(r"PHP (Fatal|Parse)|Uncaught", line)]
    assert not fatal, "\n".join(fatal)


# ---- beside nginx + php-fpm

CHANGING = [re.compile(pattern) for pattern in (
    r'name="sectok" value="[0-9a-f]*"', r"(?<=[?;&]t=)\d+", r"(?<=taskrunner\.php\?id=)[^\"]*", r'name="date" value="\d*"', r"(?<=sectok=)[0-9a-f]*",
    r"<lastBuildDate>[^<]+<|<pubDate>[^<]+<|<dc:date>[^<]+<", r"Last-Modified: [^\n]+", r"Expires: [^\n]+", r"\d+ (second|minute)s? ago",
)]  # fmt: skip
PAGES = [
    "/doku.php", f"/doku.php?id={PAGE}", f"/doku.php?id={PAGE}&do=export_raw", "/doku.php?id=nowhere", f"/doku.php?id={PAGE}&do=revisions", "/feed.php",
    f"/doku.php?id=start&do=search&q={WORD}", "/doku.php?do=index", "/doku.php?do=recent", "/doku.php?do=login", "/lib/exe/js.php?t=dokuwiki", "/lib/exe/css.php?t=dokuwiki",
    "/lib/exe/fetch.php?media=tests:picture.png", "/lib/exe/detail.php?media=tests:picture.png", "/lib/exe/xmlrpc.php",
]  # fmt: skip


@pytest.fixture(scope="module")
def peer(wiki, tmp_path_factory):
    made = Peer(tmp_path_factory.mktemp("peer"), wiki, wiki.docroot.parents[2] / "php.ini")
    yield made
    made.stop()


@pytest.mark.parametrize("path", PAGES)
def test_same_page_as_php_fpm(peer, browser, path):
    browser.cookies.clear()
    theirs = peer.get(path, browser)
    assert_same(browser.get(path), theirs, CHANGING)
