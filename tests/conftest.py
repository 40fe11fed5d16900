"""Puts the test environment on the path and brings its fixtures in.

SPDX-License-Identifier: MIT
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

pytest_plugins = ["testenv.fixtures"]
