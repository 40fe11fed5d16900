"""Development mode with PHP: the script in pages of scripts, and a new server when PHP's own files change.

SPDX-License-Identifier: MIT
"""

import gzip
import re

import pytest

from testenv import Wire

HTML = [("Accept", "text/html,*/*;q=0.8")]
TAG = '<script src="/.phpsrv/live-reload.js" defer></script>'
PHP_ARGUMENTS = ("--dev", "--log-access", "off")


def test_a_page_has_the_tag_and_its_length(php):
    response = php.run("echo '<p>x</p></body></html>';", fields=HTML)
    assert response.text == f"<p>x</p>{TAG}</body></html>" and response.get("Content-Length") == str(len(response.body))
    assert php.run("echo '<p>no end';", fields=HTML).text == "<p>no end" + TAG
    response = php.run("header('Content-Length: 7'); echo '</body>';", fields=HTML)
    assert response.text == TAG + "</body>" and response.get("Content-Length") == str(len(response.body))


@pytest.mark.parametrize(
    "code",
    [
        "header('Content-Type: application/json'); echo '\"</body>\"';",
        "header('Content-Type: text/plain'); echo '</body>';",
        "header('Content-Disposition: attachment'); echo '</body>';",
        "header('Location: /x', true, 302); echo '</body>';",
        "http_response_code(304);",
        "header('Content-Security-Policy: default-src https:'); echo '</body>';",
        "header('Content-Length: 7'); echo '</bo'; flush(); echo 'dy>';",
    ],
)
def test_no_tag(php, code):
    response = php.run(code, fields=HTML)
    assert TAG not in response.text
    if "</bo" in code:
        assert response.text.strip('"') == "</body>"


def test_what_a_policy_forbids_is_said(php):
    mark = php.server.mark()
    path = php.script("header(\"Content-Security-Policy: script-src 'none'\"); echo 'x';")
    assert php.server.fetch(path, fields=HTML).text == "x"
    line = php.server.wait_log("dev.live_reload_left_out", after=mark)
    assert line["target"] == path and "Content-Security-Policy" in line["reason"]
    assert TAG in php.run("header(\"Content-Security-Policy: default-src 'self'\"); echo 'x';", fields=HTML).text


def test_not_for_programs(php):
    for fields in ([], [("Accept", "*/*")], [*HTML, ("Sec-Fetch-Dest", "empty")], [*HTML, ("X-Requested-With", "XMLHttpRequest")]):
        assert php.run("echo '</body>';", fields=fields).text == "</body>"
    assert TAG in php.run("echo '</body>';", method="POST", body=b"", fields=HTML).text


@pytest.mark.parametrize("chunks", ["a</bo|dy>b", "<|/|b|o|d|y|>", "a|<script>'</body>'|</script>|</body>", "x|y|z"])
def test_streams(php, chunks):
    parts = chunks.split("|")
    code = "".join(f"echo \"{part}\"; flush();" for part in parts)
    response = php.run(code, fields=HTML)
    whole = "".join(parts)
    place = whole.rindex("</body") if "</body" in whole else len(whole)
    assert response.text == whole[:place] + TAG + whole[place:] and response.get("Transfer-Encoding") == "chunked"


def test_large_pages_from_a_memory_file(php):
    response = php.run("echo str_repeat('<p>line</p>', 50000), '</body>';", fields=HTML)
    assert response.text.endswith("</p>" + TAG + "</body>") and len(response.body) == 550000 + len(TAG) + 7
    response = php.run("echo str_repeat('x', 5 << 20), '</body>';", fields=HTML)
    assert TAG not in response.text and len(response.body) == (5 << 20) + 7


def test_compressed_by_the_server_and_by_the_script(php):
    fields = [*HTML, ("Accept-Encoding", "gzip")]
    for coding in ("br", "zstd"):
        response = php.run("echo str_repeat('<p>line</p>', 500), '</body>';", fields=[*HTML, ("Accept-Encoding", coding)])
        assert (response.status, response.get("Content-Encoding")) == (200, coding)
    response = php.run("echo str_repeat('<p>line</p>', 500), '</body>';", fields=fields)
    assert response.get("Content-Encoding") == "gzip" and gzip.decompress(response.body).endswith(TAG.encode() + b"</body>")
    mark = php.server.mark()
    response = php.run("header('Content-Encoding: gzip'); echo gzencode('</body>');", fields=fields)
    assert gzip.decompress(response.body) == b"</body>"
    assert "encoded" in php.server.wait_log("dev.live_reload_left_out", after=mark)["reason"]


def test_validators_are_weak_and_head_tells_no_wrong_length(php):
    path = php.script("header('ETag: \"abc\"'); header('Accept-Ranges: bytes'); echo '</body>';")
    response = php.server.fetch(path, fields=HTML)
    assert response.get("ETag") == 'W/"abc"' and response.get("Accept-Ranges") is None
    head = php.server.fetch(path, method="HEAD", fields=HTML)
    assert head.status == 200 and head.get("Content-Length") in (None, str(len(response.body))) and head.get("ETag") == 'W/"abc"'
    assert php.server.fetch(path).get("ETag") == '"abc"'


def test_cache_control_of_the_script_wins(php):
    assert php.run("header('Cache-Control: max-age=5'); echo 1;").get("Cache-Control") == "max-age=5"
    assert php.run("echo 1;").get("Cache-Control") == "no-cache"


def test_user_ini_counts_at_once(php):
    path = php.script("echo ini_get('user_agent');", "folder/ini.php")
    for value in ("one", "two"):
        (php.server.docroot / "folder" / ".user.ini").write_text(f"user_agent={value}\n")
        assert php.server.fetch(path).text == value


# ---- a new server


@pytest.fixture
def supervised(launch_php):
    def start(*arguments, **options):
        site = launch_php("--dev", "--supervisor=true", "--log-access", "off", *arguments, **options)
        site.server.wait_log("supervisor.generation_ready")
        return site

    return start


def next_server(site, change):
    mark = site.server.mark()
    change()
    site.server.wait_log("dev.reload", after=mark)
    site.server.use_ready_line(site.server.wait_log("server.ready", after=mark))
    site.server.wait_log("supervisor.generation_ended", after=mark)  # until then the old one answers too


def test_php_ini_and_its_folder(supervised, tmp_path):
    ini, folder = tmp_path / "php.ini", tmp_path / "conf.d"
    folder.mkdir()
    ini.write_text("user_agent=first\n")
    site = supervised("--php-ini", ini, env={"PHP_INI_SCAN_DIR": str(folder)})
    settings = site.server.wait_log("dev.ready")["settings"]
    assert str(ini) in settings and str(folder) in settings
    path = site.script("echo ini_get('user_agent'), ' ', ini_get('from');")
    assert site.server.fetch(path).text == "first "
    next_server(site, lambda: ini.write_text("user_agent=second\n"))
    assert site.server.fetch(path).text == "second "
    next_server(site, lambda: (folder / "10-more.ini").write_text("from=folder\n"))
    assert site.server.fetch(path).text == "second folder"


def test_preloaded_scripts(supervised, tmp_path):
    """Scripts that are kept in memory need a new server; others do not."""
    preload = tmp_path / "preload.php"
    preload.write_text("<?php function preloaded() { return 1; }")
    ini = tmp_path / "php.ini"
    ini.write_text(f"opcache.preload={preload}\nopcache.preload_user=root\n")
    site = supervised("--php-ini", ini)
    path = site.script("echo preloaded();")
    assert site.server.fetch(path).text == "1"
    next_server(site, lambda: preload.write_text("<?php function preloaded() { return 2; }"))
    assert site.server.fetch(path).text == "2"


def test_scripts_need_none(supervised):
    site = supervised()
    path = site.script("echo 1;")
    with Wire(site.server.address) as wire:
        wire.request("/.phpsrv/live-reload")
        while b"hello" not in wire.socket.recv(4096):
            pass
        site.script("echo 2;", path[1:])
        text = b""
        while b"event: page" not in text:
            text += wire.socket.recv(4096)
    assert site.server.fetch(path).text == "2"
    assert not [line for line in site.server.log_lines() if re.search(r"dev\.reload|draining", line)]
