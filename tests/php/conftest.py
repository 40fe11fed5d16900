"""Fixtures of the PHP tests: a server with the ext executor, and scripts written where they are needed.

SPDX-License-Identifier: MIT
"""

import itertools
import json
import re

import pytest

from worker_cases import Mode, launch_contract


class Site:
    """A running server with PHP. run() writes the code into a new file of the document root and requests it."""

    def __init__(self, server):
        self.server = server
        self._numbers = itertools.count()

    def script(self, code, name=None):
        """The URL path of a new script. code begins after the opening tag, unless it has one itself."""
        name = name or f"t{next(self._numbers)}.php"
        path = self.server.docroot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = code if code.startswith("<?") else "<?php\n" + code
        path.write_text(text)
        return "/" + name

    def run(self, code, suffix="", **options):
        """suffix: what follows the script's name in the URL, such as "?a=1" or "/path"."""
        return self.server.fetch(self.script(code) + suffix, **options)

    def json(self, code, suffix="", **options):
        """What the expression evaluates to."""
        response = self.run(f"echo json_encode({code});", suffix, **options)
        assert response.status == 200, response
        return json.loads(response.body)

    def expect_fatal(self, text):
        """A fatal error with this text in its message is part of the test."""
        self.server.expect_log(r"php\.message .*" + re.escape(text))


def start_site(launcher, *arguments, files=None, workers=2, **options):
    return Site(launcher(*arguments, executor="ext", files=files, workers=workers, **options))


@pytest.fixture(scope="module")
def php(launch_module, request):
    """The module's server; PHP_ARGUMENTS, PHP_FILES and PHP_WORKERS of the module are taken into account."""
    module = request.module
    return start_site(
        launch_module,
        *getattr(module, "PHP_ARGUMENTS", ()),
        files=getattr(module, "PHP_FILES", None),
        workers=getattr(module, "PHP_WORKERS", 2),
    )


@pytest.fixture
def launch_php(launch):
    """launch_php("--option", value, files={...}, workers=2) -> a started Site for this test."""

    def start(*arguments, **options):
        return start_site(launch, *arguments, **options)

    return start


@pytest.fixture(scope="module")
def contract(launch_module, request, tmp_path_factory):
    """The module's server of the worker contract: SCRIPTS (file names), CONTRACT_ARGUMENTS and CONTRACT_THREADS of the module."""
    module = request.module
    server = launch_contract(
        launch_module,
        tmp_path_factory.mktemp("contract"),
        *getattr(module, "CONTRACT_ARGUMENTS", ()),
        scripts=module.SCRIPTS,
        threads=getattr(module, "CONTRACT_THREADS", 2),
    )
    return server.expect_log(*getattr(module, "CONTRACT_LOG", ()))


@pytest.fixture(params=["classic", "worker"])
def mode(contract, request):
    """The module's first script, per request and booted once."""
    return Mode(contract, request.param, request.module.SCRIPTS[0])


@pytest.fixture
def worker(contract, request):
    """The module's first script, booted once."""
    return Mode(contract, "worker", request.module.SCRIPTS[0])
