"""User and group of the server.

SPDX-License-Identifier: MIT
"""

import grp
import json
import os
import pathlib
import pwd

import pytest

from testenv import run_binary

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
WHO = """<?php echo json_encode([posix_geteuid(), posix_getegid(), posix_getgroups(), @posix_setuid(0),
    is_readable('/etc/shadow'), @file_put_contents('/etc/phpsrv-test', 'x'),
    getenv('HOME'), getenv('USER'), trim(shell_exec('echo $LOGNAME'))]);"""


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in text.splitlines()}


@pytest.mark.no_sanitizer  # the user that it becomes may not read PHP to name what is suppressed
@needs_root
@pytest.mark.parametrize("supervisor", ["true", "false"])
@pytest.mark.parametrize("names", [("nobody", ""), ("nobody", "daemon"), ("65534", "65534"), ("12345", "")], ids="-".join)
def test_user_and_group(launch, names, supervisor):
    user, group = names
    server = launch("--user", user, "--group", group, f"--supervisor={supervisor}", executor="ext", files={"who.php": WHO})
    docroot = pathlib.Path(server.docroot)
    for folder in (docroot, *docroot.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    told = server.fetch("/who.php").body.decode()
    uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid if group else uid if user == "12345" else pwd.getpwnam(user).pw_gid
    home, name = (pwd.getpwuid(uid).pw_dir, pwd.getpwuid(uid).pw_name) if user != "12345" else ("/", "12345")
    assert told.startswith(f"[{uid},{gid},[") and json.loads(told)[3:] == [False, False, False, home, name, name], told
    facts = status(server.pid)
    assert facts["Uid"] == [str(uid)] * 4 and facts["Gid"] == [str(gid)] * 4 and facts["CapEff"] == ["0000000000000000"]
    for task in os.listdir(f"/proc/{server.pid}/task"):
        assert status(f"{server.pid}/task/{task}")["Uid"] == [str(uid)] * 4, "all threads"
    if supervisor == "true":
        assert status(server.process.pid)["Uid"] == ["0"] * 4, "it binds ports at a reload"


@needs_root
def test_a_privileged_port(launch):
    server = launch("--user", "nobody", "--listen", "127.0.0.1:0")
    assert server.fetch("/x").status == 200


@needs_root
def test_no_new_privileges(launch):
    server = launch("--no-new-privileges")
    assert status(server.pid)["NoNewPrivs"] == ["1"]
    assert status(launch().pid)["NoNewPrivs"] == ["0"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--user", "no-such-user"], "no user"), (["--user", "nobody", "--group", "no-such-group"], "no group"), (["--group", "daemon"], "name both")],
)
def test_unknown_names(tmp_path, arguments, says):
    result = run_binary("--docroot", tmp_path, "--executor", "stub", "--listen", "127.0.0.1:0", *arguments)
    assert result.returncode == 2 and says in result.stderr
