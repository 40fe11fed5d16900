"""MediaWiki as Debian packages it, with SQLite: installed and used over HTTP; its pages compared with nginx + php-fpm.

The tests build on each other, as a person's visit does: they run in this order, in one process.
SPDX-License-Identifier: MIT
"""

import re
import struct

import httpx
import pytest

import debian_site
import pages
from compare import assert_same
from forms import Forms
from pictures import png
from services import Peer
from testenv import wait_until

USER, PASSWORD = "Admin", "correct horse & battery <staple>"
WORD = "xylophonist"
TEXT = f"""== Heading ==
The word is {WORD}, '''bold''', ünïcödé ☃ and [[No such page]].

{{| class="wikitable"
! a !! b
|-
| 1 || 2
|}}
[[File:Picture.png|120px]]
{{{{CURRENTYEAR}}}} {{{{#expr: 6 * 7}}}}
"""
PICTURE = png(640, 400)
CHANGING = [re.compile(pattern) for pattern in (
    r'"wgRequestId":"[^"]*"', r'"wgBackendResponseTime":\d+', r"Saved in parser cache[^>]*-->", r"<!--\s*NewPP limit report.*?-->", r"NewPP[^>]*", r"<!--[^>]*-->",
    r"wgPageParseReport[^;]*;", r'(?<=value=")[0-9a-f]+\+\\(?=")', r'"[0-9a-f]+\+\\\\"', r"Expires: [^\n]+", r"Last-Modified: [^\n]+", r"wpStarttime[^>]*", r"(?<=logintoken\":\")[^\"]*",
    r'"servedby":"[^"]*"', r'"(?:timestamp|time|curtimestamp)":"[^"]*"', r"logid=\d+", r"\b2\d{13}\b", r"\d\d%3A\d\d", r'time="[^"]*"', r"\b\d\d:\d\d(:\d\d)?\b",
)]  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wiki(launch_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mediawiki")
    debian_site.build("mediawiki", folder)
    (folder / "php.ini").write_text(pages.INI)
    docroot = folder / "var/lib/mediawiki"
    # MediaWiki makes other links where PHP_SAPI has "cgi" in it: as the peer is called
    server = launch_module("--sapi-name", "fpm-fcgi", "--static-follow-symlinks=true", "--php-ini", folder / "php.ini", docroot=docroot, executor="ext", workers=4)
    server.folder = folder
    return server


@pytest.fixture(scope="module")
def peer(wiki, tmp_path_factory):
    made = Peer(tmp_path_factory.mktemp("peer"), wiki, wiki.folder / "php.ini")
    yield made
    made.stop()


def client(wiki):
    return httpx.Client(base_url="http://%s:%d" % wiki.address, trust_env=False, timeout=60, follow_redirects=True)


@pytest.fixture(scope="module")
def admin(wiki):
    with client(wiki) as made:
        yield made


@pytest.fixture(scope="module")
def visitor(wiki):
    with client(wiki) as made:
        yield made


def page(response, status=200):
    """The text of a page that is whole and shows no error of PHP or MediaWiki."""
    return pages.whole_page(response, status, "MediaWiki internal error", "Fatal exception")


def send(browser, response, name, **fields):
    """Fills in the form that has the field, and sends it where the form says."""
    forms = Forms(page(response))
    action, values = next((action, dict(values)) for action, values in forms.forms if name in values)
    return browser.post(httpx.URL(str(response.url)).join(action), data={**values, **fields})


def test_installer(wiki, admin):
    answer = admin.get("/mw-config/index.php")
    for heading, fields in (
        ("Language", {}),
        ("Welcome to MediaWiki!", {}),
        ("Connect to database", {"DBType": "sqlite", "sqlite_wgSQLiteDataDir": str(wiki.folder / "data")}),
        ("Name", {"config_wgSitename": "Wiki of the tests", "config__AdminName": USER, "config__AdminPassword": PASSWORD,
                  "config__AdminPasswordConfirm": PASSWORD, "config__SkipOptional": "skip"}),
        ("Install", {}),
        ("Install", {}),
    ):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page(answer), answer.text[:3000]
        action, values = Forms(answer.text).forms[0]
        answer = admin.post(answer.url.join(action), data={**values, **fields, "submit-continue": "Continue"})
    assert "<h2>Complete!</h2>" in page(answer)
    settings = admin.get("/mw-config/index.php", params={"localsettings": "1"})
    assert settings.headers["Content-Disposition"].startswith("attachment") and settings.text.startswith("<?php")
    place = wiki.folder / "etc/mediawiki/LocalSettings.php"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(settings.text + "\n$wgEnableUploads = true; $wgJobRunRate = 1; $wgUseImageMagick = false; wfLoadExtension('ParserFunctions');\n")


def test_front_page(visitor):
    answer = visitor.get("/")
    assert answer.url.params["title"] == "Main_Page" and "Wiki of the tests" in page(answer)


def test_wrong_password(visitor):
    answer = send(visitor, visitor.get("/index.php?title=Special:UserLogin"), "wpName", wpName=USER, wpPassword="wrong")
    assert "Incorrect username or password" in page(answer)


def test_login(admin):
    answer = send(admin, admin.get("/index.php?title=Special:UserLogin"), "wpName", wpName=USER, wpPassword=PASSWORD)
    assert f'"wgUserName":"{USER}"' in page(answer)


def test_upload(wiki, admin):
    form = Forms(page(admin.get("/index.php?title=Special:Upload"))).with_field("wpDestFile")
    answer = admin.post(
        "/index.php?title=Special:Upload",
        data={**form, "wpDestFile": "Picture.png", "wpUpload": "Upload file", "wpIgnoreWarning": "1"},
        files={"wpUploadFile": ("local name.png", PICTURE, "image/png")},
    )
    assert "File:Picture.png" in page(answer)
    stored = [path for path in (wiki.docroot / "images").resolve().rglob("Picture.png") if "thumb" not in path.parts]
    assert stored[0].read_bytes() == PICTURE


def test_edit(admin, visitor):
    answer = send(admin, admin.get("/index.php?title=First_page&action=edit"), "wpTextbox1", wpTextbox1=TEXT, wpSummary="by a test", wpSave="Save page")
    text = page(answer)
    assert f"The word is {WORD}, <b>bold</b>, ünïcödé ☃" in text and 'class="new" title="No such page' in text and " 42" in text
    assert WORD in page(visitor.get("/index.php?title=First_page"))


def test_preview(admin):
    answer = send(admin, admin.get("/index.php?title=First_page&action=edit"), "wpTextbox1", wpTextbox1="''slanted'' & <x>", wpPreview="Show preview")
    assert "<i>slanted</i> &amp; &lt;x&gt;" in page(answer)


def test_thumbnail(visitor):
    """Scaled by PHP's gd when the page was made."""
    images = Forms(page(visitor.get("/index.php?title=First_page"))).images
    answer = visitor.get(next(image for image in images if "120px" in image))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png"
    assert struct.unpack(">II", answer.content[16:24]) == (120, 75)


def test_history_and_difference(admin):
    send(admin, admin.get("/index.php?title=First_page&action=edit"), "wpTextbox1", wpTextbox1=TEXT + "\nA second version.", wpSave="Save page")
    history = page(admin.get("/index.php?title=First_page&action=history"))
    assert "by a test" in history
    assert "A second version." in page(admin.get("/index.php?title=First_page&diff=cur&oldid=prev"))


def test_search(visitor):
    """The index is brought up to date after the response to the edit."""
    wait_until(lambda: "First page" in page(visitor.get("/index.php", params={"search": WORD, "fulltext": "1"})).partition('class="searchresults"')[2], "found")


def test_api(visitor, admin):
    answer = visitor.get("/api.php", params={"action": "parse", "page": "First_page", "format": "json", "formatversion": "2"})
    assert WORD in answer.json()["parse"]["text"]
    assert visitor.get("/rest.php/v1/page/First_page").json()["source"].startswith("== Heading ==")
    token = admin.get("/api.php", params={"action": "query", "meta": "tokens", "format": "json"}).json()["query"]["tokens"]["csrftoken"]
    done = admin.post("/api.php", data={"action": "edit", "title": "By the API", "text": "made by the API", "token": token, "format": "json"})
    assert done.json()["edit"]["result"] == "Success"
    refused = visitor.post("/api.php", data={"action": "delete", "title": "By the API", "token": "+\\", "format": "json"})
    assert refused.json()["error"]["code"] == "permissiondenied"


def test_large_page(admin):
    text = "".join(f"Line {n} of a long page äöü.\n\n" for n in range(8000))
    answer = send(admin, admin.get("/index.php?title=Large&action=edit"), "wpTextbox1", wpTextbox1=text, wpSave="Save page")
    assert "Line 7999 of a long page" in page(answer)


def test_styles_and_scripts(visitor):
    text = page(visitor.get("/index.php?title=First_page"))
    for path in re.findall(r'(?:href|src)="(/load\.php[^"]*)"', text):
        path = path.replace("&amp;", "&")
        answer = visitor.get(path)
        assert answer.status_code == 200 and len(answer.content) > 50, (path, answer.text[:300])

        def ask_again(path=path):
            return visitor.get(path, headers={"If-None-Match": visitor.get(path).headers["ETag"]})

        # versions settle while the wiki learns, after it has answered, which files a module is made of
        wait_until(lambda: ask_again().status_code == 304, "a lasting version")


PAGES = [
    "/", "/index.php?title=Main_Page", "/index.php?title=First_page", "/index.php?title=First_page&action=history", "/index.php?title=First_page&action=edit", "/index.php?title=First_page&action=raw",
    "/index.php?title=No_such_page", "/index.php?title=Special:UserLogin", "/index.php?title=Special:RecentChanges", "/index.php?title=Special:AllPages", "/index.php?title=File:Picture.png",
    f"/index.php?search={WORD}&fulltext=1", "/api.php", "/api.php?action=query&list=allpages&format=json", "/api.php?action=query&meta=siteinfo&format=xml", "/rest.php/v1/page/First_page/bare",
    "/load.php?lang=en&modules=startup&only=scripts&raw=1&skin=vector", "/opensearch_desc.php", "/index.php?title=Special:RecentChanges&feed=atom", "/index.php?title=Special:Version",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_same_page_as_php_fpm(peer, visitor, path):
    visitor.cookies.clear()
    theirs = peer.get(path, visitor)
    assert_same(visitor.get(path, follow_redirects=False), theirs, CHANGING)


@pytest.mark.parametrize("path", ["/index.php?title=First_page", "/index.php?title=Special:Preferences", "/index.php?title=Special:Upload", "/index.php?title=First_page&action=edit"])
def test_same_page_of_a_user_as_php_fpm(peer, admin, path):
    theirs = peer.get(path, admin)
    assert_same(admin.get(path, follow_redirects=False), theirs, CHANGING)


def test_logout(admin):
    answer = send(admin, admin.get("/index.php?title=Special:UserLogout"), "wpEditToken")
    assert "You are now logged out" in page(answer)
    assert '"wgUserName":null' in page(admin.get("/index.php?title=Main_Page"))
