"""A browser in development: pages that load again by themselves, styles that change in place, the error page.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "apps"))

from testenv import wait_until  # noqa: E402
from webdriver import Browser  # noqa: E402

PAGE = """<?php $title = 'first'; ?>
<!doctype html><html><head><title><?= $title ?></title><link rel="stylesheet" href="a.css"></head>
<body><h1><?= $title ?></h1></body></html>
"""


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.stop()


def test_pages_and_styles_follow_the_files(launch, browser):
    server = launch("--dev", executor="ext", files={"index.php": PAGE, "a.css": "h1 { color: rgb(1, 2, 3) }"})
    browser.visit("http://{}:{}/".format(*server.address))
    wait_until(lambda: browser.run("return window.phpsrvLiveReload === true"), "the script runs")
    wait_until(lambda: "pages=1" in server.log or _touch(server), "the stream is open")
    (server.docroot / "index.php").write_text(PAGE.replace("'first'", "'second'"))
    wait_until(lambda: browser.run("return document.title") == "second", "the page has loaded again")
    wait_until(lambda: browser.run("return window.phpsrvLiveReload === true"), "the script runs again")
    browser.run("window.kept = 'by the page'")

    def style():
        (server.docroot / "a.css").write_text("h1 { color: rgb(4, 5, 6) }")
        return browser.run("return getComputedStyle(document.querySelector('h1')).color") == "rgb(4, 5, 6)"

    wait_until(style, "the new style is there")
    assert browser.run("return window.kept") == "by the page", "without loading the page"


def _touch(server):
    (server.docroot / "a.css").touch()
    return False


def test_the_error_page_goes_when_the_error_is_mended(launch, browser):
    server = launch("--dev", executor="ext", files={"index.php": "<?php\necho '<script>window.evil = 1</script>';\nthrow new Exception('<img src=x onerror=\"window.evil=2\">');\n"})  # fmt: skip
    server.expect_log("php.message")
    browser.visit("http://{}:{}/?a=<script>window.evil=3</script>".format(*server.address))
    assert "<img src=x" in browser.run("return document.querySelector('h1').textContent")
    assert browser.run("return window.evil === undefined && document.images.length === 0 && document.scripts.length === 1")
    assert browser.run("return getComputedStyle(document.querySelector('.m')).display") == "block", "its own style may apply"
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"

    def mend():
        (server.docroot / "index.php").write_text("<?php echo '<title>mended</title>';")
        return browser.run("return document.title") == "mended"

    wait_until(mend, "the mended page is there")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pictures_of_the_error_page(launch, browser, tmp_path, theme, width):
    """For people: PHPSRV_SCREENSHOTS names a folder for them."""
    source = pathlib.Path(__file__).parent / "error_page.php.txt"
    server = launch("--dev", executor="ext", files={"index.php": source.read_text()})
    server.expect_log("php.message")
    browser.emulate(width, theme, 1500)
    browser.visit("http://{}:{}/?user=anna".format(*server.address))
    folder = pathlib.Path(os.environ.get("PHPSRV_SCREENSHOTS", tmp_path))
    browser.screenshot(folder / f"dev-error-{theme}-{width}.png")
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    light = browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    assert light == (theme == "light")
