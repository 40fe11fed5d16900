"""The bench's own parts are tested here, not its figures.

SPDX-License-Identifier: MIT
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
