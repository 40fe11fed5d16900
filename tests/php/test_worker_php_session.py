"""Save handlers that fail: whatever happens in write() or close(), no session stays locked behind a request.

SPDX-License-Identifier: MIT
"""

import fcntl

import pytest
import worker_php

from testenv import wait_until

# Two handlers: the lock is PHP's own (its files), or the handler's. What they do beyond that is said by each request.
BOOT = """
final class Parental extends SessionHandler {
    public function write($id, $data): bool { eval($GLOBALS['in_write']); return parent::write($id, $data); }
    public function close(): bool { eval($GLOBALS['in_close']); return parent::close(); }
}
final class Own implements SessionHandlerInterface {
    private $file;
    public function open($path, $name): bool { return true; }
    public function read($id): string {
        $this->file = fopen(session_save_path() . '/sess_' . $id, 'c+');
        flock($this->file, LOCK_EX);
        return (string) stream_get_contents($this->file);
    }
    public function write($id, $data): bool { eval($GLOBALS['in_write']); rewind($this->file); return fwrite($this->file, $data) > 0; }
    public function close(): bool { eval($GLOBALS['in_close']); $this->file = null; return true; }
    public function destroy($id): bool { return true; }
    public function gc($seconds): int { return 0; }
}
final class Unwritable { public function __serialize(): array { throw new Exception('not written'); } }
$GLOBALS['boot_id'] = bin2hex(random_bytes(4));
"""
USE = """
$GLOBALS['in_write'] = %r;
$GLOBALS['in_close'] = %r;
ini_set('session.use_strict_mode', 0);
session_id('thesession');
session_set_save_handler(new %s, false);
session_start();
$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
"""
BAD = "throw new Exception('bad %s');"

# in write(), in close(), after the session has begun
FAILURES = {
    "nothing": ("", "", ""),
    "write throws": (BAD % "write", "", ""),
    "write exits": ("exit(0);", "", ""),
    "write fails fatally": ("trigger_error('fatal write', E_USER_ERROR);", "", ""),
    "serializing throws": ("", "", "$_SESSION['x'] = new Unwritable;"),
    "close throws": ("", BAD % "close", ""),
    "close exits": ("", "exit(0);", ""),
    "close fails fatally": ("", "trigger_error('fatal close', E_USER_ERROR);", ""),
    "both throw": (BAD % "write", BAD % "close", ""),
    "write throws, close exits": (BAD % "write", "exit(0);", ""),
    "written by hand": (BAD % "write", "", "try { session_write_close(); } catch (Exception $e) { echo 'caught ', $e->getMessage(); }"),
    "written by hand, both throw": (BAD % "write", BAD % "close", "try { session_commit(); } catch (Exception $e) { echo $e->getPrevious()->getMessage(); }"),
    "written by hand, fatally": ("trigger_error('fatal write', E_USER_ERROR);", "", "session_write_close();"),
    "exit with an open session": (BAD % "write", "", "exit(0);"),
}
LOGGED = r"(bad|fatal) (write|close)|not written|Cannot call session save handler|Session (callback|object)|Uncaught"


def use(handler, failure):
    in_write, in_close, rest = FAILURES[failure]
    return USE % (in_write.replace("'", '"'), in_close.replace("'", '"'), handler) + rest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sessions")


@pytest.fixture(scope="module")
def site(launch_module, folder):
    site = worker_php.start(launch_module, "-d", f"session.save_path={folder}", boot=BOOT)
    (site.server.docroot / "classic.php").write_text("<?php" + BOOT + "eval(base64_decode($_SERVER['HTTP_X_CODE']));")
    return site


def is_free(folder):
    with (folder / "sess_thesession").open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("handler", ["Parental", "Own"])
def test_no_session_stays_locked(site, folder, handler, failure):
    site.server.expect_log(r"php\.message .*(" + LOGGED + ")", r"worker\.(script_failed|replaced)")
    (folder / "sess_thesession").write_bytes(b"")
    site.run(use(handler, failure))
    wait_until(lambda: is_free(folder), "nobody holds the session")
    code = use(handler, "nothing") + "echo 'n=', $_SESSION['n'];"
    assert site.run(code).body.startswith(b"n=")
    assert site.run(code).body.startswith(b"n=")


@pytest.mark.parametrize("failure", FAILURES)
def test_neither_in_classic_mode(site, folder, failure):
    """Locks of the handler itself are freed with its memory; those of its parent were forgotten."""
    site.server.expect_log(r"php\.message .*(" + LOGGED + ")", r"worker\.(script_failed|replaced)")
    (folder / "sess_thesession").write_bytes(b"")
    site.server.fetch("/classic.php", fields=[worker_php.code_field(use("Parental", failure))])
    wait_until(lambda: is_free(folder), "nobody holds the session")


@pytest.mark.parametrize(("failure", "message"), [("write throws", "bad write"), ("close throws", "bad close"), ("both throw", "bad write")])
def test_what_it_throws_is_answered_and_logged(site, folder, failure, message):
    site.server.expect_log(r"php\.message .*(" + LOGGED + ")")
    assert site.run(use("Parental", failure)).status == 500
    site.server.wait_log("php.message", where=lambda line: message in line["message"])


def test_the_script_goes_on_after_write_and_ends_after_close(site):
    site.server.expect_log(r"php\.message .*(" + LOGGED + ")")
    first = site.json("$GLOBALS['boot_id']")
    site.run(use("Own", "write throws"))
    assert site.json("$GLOBALS['boot_id']") == first
    site.run(use("Own", "close throws"))
    assert site.json("$GLOBALS['boot_id']") != first


def test_written_by_hand_tells_the_exception(site):
    site.server.expect_log(r"php\.message .*(" + LOGGED + ")")
    assert site.run(use("Own", "written by hand")).body == b"caught bad write"
    assert site.run(use("Own", "written by hand, both throw")).body == b"bad write"
