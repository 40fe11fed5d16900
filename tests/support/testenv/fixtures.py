"""pytest fixtures: temporary document roots and servers that are judged when the test (or its module) ends.

SPDX-License-Identifier: MIT
"""

import contextlib
import os
import pathlib

import pytest

from .server import Server, ServerFailure, binary_path


def pytest_configure(config):
    """Without the program nothing can be tested: that is a failure, not a skip."""
    if not os.access(binary_path(), os.X_OK) and not config.option.collectonly:
        raise pytest.UsageError(f"{binary_path()} is not there: build it first, or set PHPSRV_BINARY")


def pytest_xdist_make_scheduler(config, log):
    """Tests of tests/apps build on each other: a file of them stays on one process; all others are free."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path, _, _ = nodeid.partition("::")
            return path if "apps/" in path else nodeid

    return Scheduling(config, log)


def write_files(folder, files):
    """files: relative path -> text or bytes."""
    for name, content in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def _launcher(make_docroot):
    """Starts servers; stops and judges all of them at the end, and reports the first that complains."""
    servers = []

    def launch(*arguments, files=None, docroot=None, start=True, **options):
        folder = docroot if docroot is not None else make_docroot()
        if files:
            write_files(folder, files)
        server = Server(folder, *arguments, **options)
        servers.append(server)
        return server.start() if start else server

    try:
        yield launch
    finally:
        problems = []
        for server in reversed(servers):
            try:
                server.stop()
            except ServerFailure as problem:
                problems.append(str(problem))
        if problems:
            raise ServerFailure("\n".join(problems))


@pytest.fixture
def launch(tmp_path_factory):
    """launch("--option", value, files={...}, workers=2) -> a started Server for this test."""
    with _launcher(lambda: tmp_path_factory.mktemp("docroot")) as start:
        yield start


@pytest.fixture(scope="module")
def launch_module(tmp_path_factory):
    """The same for all tests of a module."""
    with _launcher(lambda: tmp_path_factory.mktemp("docroot")) as start:
        yield start


@pytest.fixture(scope="module")
def server(launch_module, request):
    """The module's server: stub executor; SERVER_ARGUMENTS and SERVER_FILES of the module are taken into account."""
    module = request.module
    return launch_module(
        *getattr(module, "SERVER_ARGUMENTS", ()),
        files=getattr(module, "SERVER_FILES", None),
        workers=getattr(module, "SERVER_WORKERS", 2),
    )


@pytest.fixture
def wire(server):
    """A fresh connection to the module's server."""
    with server.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def _still_alive(request):
    """A server that died in a test fails that test, not the next one."""
    yield
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        if running.process is not None and running.process.poll() is not None and running.expected_status == 0:
            raise ServerFailure(f"the server ended with status {running.process.returncode}:\n{running.log[-4000:]}")
