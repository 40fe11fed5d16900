"""The server's own pages in a browser, on a telephone and a desk, light and dark: nothing sticks out, all can be read.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "apps"))

from testenv import wait_until  # noqa: E402
from webdriver import Browser  # noqa: E402

# Texts with a contrast below 4.5 (WCAG 2.2, 1.4.3), and links smaller than 24 pixels (2.5.8).
FAULTS = r"""
const faults = [];
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const ground = (element) => {
    for (; element; element = element.parentElement) {
        const color = numbers(getComputedStyle(element).backgroundColor);
        if (color.length < 4 || color[3] === 1) return color.slice(0, 3);
    }
    return dark ? [18, 18, 18] : [255, 255, 255];
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.getClientRects().length) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color).slice(0, 3)), light(ground(element))].sort((x, y) => x - y);
    if ((b + 0.05) / (a + 0.05) < 4.5) faults.push('contrast: ' + texts.currentNode.data.trim());
}
for (const link of document.querySelectorAll('a')) {
    const box = link.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) faults.push(`small: ${link.textContent} ${box.width}x${box.height}`);
}
for (const element of document.querySelectorAll('body *')) {
    if (element.getBoundingClientRect().right > innerWidth + 1) faults.push('sticks out: ' + element.outerHTML.slice(0, 80));
}
return faults;
"""
SCREENS = [(width, theme) for width in (390, 1280) for theme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.stop()


def look(browser, url, width, theme, picture):
    """Faults of the page, whose picture is for people: PHPSRV_SCREENSHOTS names a folder for it."""
    browser.emulate(width, theme)
    browser.visit(url)
    browser.emulate(width, theme, max(300, browser.run("return document.documentElement.scrollHeight")))
    browser.screenshot(picture)
    assert browser.run("return innerWidth") == width, "a telephone shows it in its own width, not as a desk's made small"
    return browser.run(FAULTS)


@pytest.fixture
def folder(tmp_path):
    return pathlib.Path(os.environ.get("PHPSRV_SCREENSHOTS", tmp_path))


FILES = {
    "index.php": "<?php echo 'ok';",
    "fail.php": "<?php http_response_code(500);",
    "wait.php": "<?php while (!file_exists(__DIR__ . '/end')) { clearstatcache(); usleep(10000); }",
}


@pytest.fixture(scope="module")
def site(launch_module):
    return launch_module(executor="ext", files=FILES, workers=4)


@pytest.mark.parametrize("width,theme", SCREENS)
def test_status_page(site, browser, folder, width, theme):
    end = site.docroot / "end"
    for path in ["/", "/", "/fail.php", "/missing"] * 5:
        site.fetch(path)
    with site.connect() as first, site.connect() as second:
        first.request("/wait.php?report=quarterly&token=" + "x" * 200)
        second.request("/wait.php?q=a+b")
        wait_until(lambda: site.metrics().value("phpsrv_workers", state="busy") == 2, "two are busy")
        url = "http://{}:{}/status?refresh=0".format(*site.internal_address)
        assert look(browser, url, width, theme, folder / f"status-{theme}-{width}.png") == []
        assert browser.run("return document.querySelectorAll('.workers tr.busy').length") == 2
        is_dark = browser.run("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert is_dark == (theme == "dark")
        end.touch()
        for wire in (first, second):
            assert wire.expect_response().status == 200
        end.unlink()


@pytest.mark.parametrize("width,theme", SCREENS)
def test_page_of_a_refusal(site, browser, folder, width, theme):
    url = "http://{}:{}/missing.png".format(*site.address)
    assert look(browser, url, width, theme, folder / f"404-{theme}-{width}.png") == []
    assert browser.run("return document.querySelector('h1').textContent") == "404 Not Found"
    color = browser.run("return getComputedStyle(document.querySelector('h1')).color")
    assert color == ("rgb(255, 255, 255)" if theme == "dark" else "rgb(0, 0, 0)"), "the browser's own colours"
