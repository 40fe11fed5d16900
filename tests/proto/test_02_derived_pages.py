"""What is derived from the table of options for people: the manual page and the completions of three shells.

SPDX-License-Identifier: MIT
"""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from testenv import binary_path, run_binary
from testenv.clock import scaled

MARK = "<at the end>"


def printed(*arguments):
    done = run_binary(*arguments)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def options():
    """(name, is_bool) of each row of the options page, which another test compares with the table."""
    page = printed("--print-options-reference")
    return [(name, bool(negatable)) for negatable, name in re.findall(r"^\| command line \| `--(\[no-\])?([a-z0-9-]+)", page, re.M)]


# ---- manual page


@pytest.mark.skipif(shutil.which("man") is None, reason="no man here")
def test_groff_takes_the_manual_page(tmp_path):
    page = tmp_path / "phpsrv.8"
    page.write_text(printed("--print-man-page"))
    done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}, check=False)
    assert done.returncode == 0 and done.stderr == ""
    text = re.sub(r".\x08", "", done.stdout)
    for name, _ in options():
        assert re.search(rf"^ +(-\w, )?--(\[no-\])?{name}( |$)", text, re.M), name
    for variable in re.findall(r"PHPSRV_[A-Z0-9_]+", printed("--print-options-reference")):
        assert variable in text, variable


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc here")
def test_mandoc_takes_the_manual_page(tmp_path):
    page = tmp_path / "phpsrv.8"
    page.write_text(printed("--print-man-page"))
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == ""


def test_the_manual_page_names_version_and_sections():
    page = printed("--print-man-page")
    version = printed("--version").split()[1]
    assert re.search(rf'^\.TH PHPSRV 8 \d{{4}}-\d\d-\d\d "phpsrv {re.escape(version)}"', page, re.M)
    assert [line[4:] for line in page.splitlines() if line.startswith(".SH ")] == [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "SIGNALS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "EXAMPLES",
        "SEE ALSO",
    ]


# ---- completions


@pytest.mark.parametrize("arguments", [("--print-completion", "csh"), ("--print-completion",), ("--print-completion=",)])
def test_other_shells_are_refused(arguments):
    done = run_binary(*arguments)
    assert done.returncode == 2 and "bash|zsh|fish" in done.stderr and done.stderr.count("\n") == 1


class Terminal:
    """A shell in a terminal of its own, into which keys are typed."""

    def __init__(self, shell, *arguments, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(shell, [shell, *arguments], {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8", "PS1": "> "})
        self.seen = ""

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def wait_for(self, pattern):
        """Reads until the pattern was printed; what follows it stays to be read."""
        end = time.monotonic() + scaled(20)
        while not (match := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], f"{pattern!r} never came: {self.seen!r}"
            self.seen += os.read(self.fd, 65536).decode(errors="replace").replace("\r", "")
        self.seen = self.seen[match.end() :]
        return match

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def folder(tmp_path):
    for name in ("bash", "zsh", "fish"):
        (tmp_path / f"phpsrv.{name}").write_text(printed("--print-completion", name))
    (tmp_path / "certificate one.pem").touch()
    (tmp_path / "public-folder").mkdir()
    (tmp_path / "public-file").touch()
    (tmp_path / "script.php").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "phpsrv").symlink_to(binary_path())
    return tmp_path


# What is typed before the tab key, and the words that the line consists of then.
TYPED = [
    ("--docr", ["--docroot"]),
    ("--workers-st", ["--workers-stack-bytes"]),
    ("--no-superv", ["--no-supervisor"]),
    ("--check", ["--check-config"]),
    ("--log-level deb", ["--log-level", "debug"]),
    ("--log-level=deb", ["--log-level=debug"]),
    ("--workers 2 --proxy-fields x", ["--workers", "2", "--proxy-fields", "x-forwarded"]),
    ("--tls-cert cert", ["--tls-cert", "certificate one.pem"]),
    ("--tls-cert=cert", ["--tls-cert=certificate one.pem"]),
    ("-c scr", ["-c", "script.php"]),
    ("--docroot public", ["--docroot", "public-folder/"]),
    ("rou", ["route"]),
    ("run scr", ["run", "script.php"]),
]


def words_after_tab(terminal, typed):
    terminal.type(f"words {typed}\t")
    # The key has no echo: the line is sent off and what the shell understood is printed.
    terminal.type("\n")
    text = terminal.wait_for(rf"(?s)\n\[\[(.*?)\]\]{re.escape(MARK)}").group(1)
    return text.split("|")[:-1]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(("typed", "words"), TYPED)
def test_bash(folder, typed, words):
    shell = Terminal("bash", "--norc", "--noprofile", "-i", folder=folder)
    try:
        shell.type(f". ./phpsrv.bash; words() {{ printf '\\n[['; printf '%s|' \"$@\"; printf ']]%s\\n' '{MARK}'; }}; complete -F _phpsrv words; printf 'rea''dy\\n'\n")
        shell.wait_for("\nready\n")
        assert words_after_tab(shell, typed) == words
    finally:
        shell.close()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize(("typed", "words"), TYPED)
def test_zsh(folder, typed, words):
    shell = Terminal("zsh", "-f", "-i", "-o", "no_prompt_sp", folder=folder)
    try:
        shell.type("autoload -U compinit && compinit -u -D && . ./phpsrv.zsh\n")
        shell.type(f"words() {{ printf '\\n[['; printf '%s|' \"$@\"; printf ']]%s\\n' '{MARK}'; }}; compdef words=phpsrv; printf 'rea''dy\\n'\n")
        shell.wait_for("\nready\n")
        # zsh takes the slash off again when the line ends behind it.
        assert words_after_tab(shell, typed) == [word.rstrip("/") for word in words]
    finally:
        shell.close()


def fish(folder, typed):
    done = subprocess.run(
        ["fish", "--no-config", "-c", 'source phpsrv.fish; complete -C "$argv[1]"', "--", f"phpsrv {typed}"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}"},
        check=True,
    )
    assert done.stderr == ""
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(("typed", "words"), TYPED)
def test_fish(folder, typed, words):
    assert fish(folder, typed) == words[-1:]


def test_each_shell_knows_every_option(folder):
    texts = {name: (folder / f"phpsrv.{name}").read_text() for name in ("bash", "zsh", "fish")}
    for name, is_bool in options():
        for spelled in [name, f"no-{name}"] if is_bool else [name]:
            assert re.search(rf"[ ']--{spelled} ", texts["bash"]), spelled
            assert re.search(rf"--{spelled}=?\[", texts["zsh"]), spelled
            assert f" -l {spelled} " in texts["fish"], spelled
    for text in texts.values():
        assert "--print-" not in text.replace("--print-completion", "", 1), "hidden ones stay hidden"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_lists_what_begins_alike(folder):
    found = fish(folder, "--wor")
    assert sorted(found) == sorted(name for name in ("--" + option for option, _ in options()) if name.startswith("--wor")) and len(found) > 2
