"""--update-budgets: figures are taken over into budgets.toml instead of being judged.

SPDX-License-Identifier: MIT
"""

import pathlib
import tempfile

import pytest

import budget_table
from budget_cases import CASES

FIGURES = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--update-budgets", action="store_true", help="write what is measured into budgets.toml")


def pytest_configure(config):
    config.stash[FIGURES] = {}


@pytest.fixture
def site():
    """An empty folder whose name has the same length everywhere: paths cost instructions."""
    with tempfile.TemporaryDirectory(prefix="phpsrv-budget-", dir="/tmp") as folder:
        yield pathlib.Path(folder)


@pytest.fixture
def updating(request):
    return request.config.getoption("--update-budgets")


class _Collector:
    """Runs where all reports arrive: in the one process, or in the one that xdist's report to."""

    def __init__(self, config):
        self.figures = config.stash[FIGURES]

    def pytest_runtest_logreport(self, report):
        for key, value in report.user_properties:
            if report.when == "call" and report.passed and key == "budget":
                self.figures[value["case"]] = value["figures"]


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Collector(session.config))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput") or not session.config.getoption("--update-budgets"):
        return
    figures = session.config.stash[FIGURES]
    missing = [name for name in CASES if name not in figures]
    if missing:
        print(f"\nbudgets.toml stays as it is: nothing was measured for {', '.join(missing)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    budget_table.write({name: figures[name] for name in CASES})
