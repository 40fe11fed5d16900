"""Test environment of the black-box tests: starts the server, speaks raw HTTP/1.1 and judges every answer strictly.

SPDX-License-Identifier: MIT
"""

from .clients import Clients
from .clock import scaled, wait_until
from .coding import decode_body
from .crowd import Crowd
from .facts import LogLine, parse_log_line
from . import load
from .h2 import H2Wire
from .metrics import Metrics
from .response import BadResponse, Response, ResponseReader
from .server import Server, ServerFailure, binary_path, run_binary
from .wire import Wire, WireFailure

__all__ = [
    "BadResponse",
    "Clients",
    "Crowd",
    "H2Wire",
    "LogLine",
    "Metrics",
    "Response",
    "ResponseReader",
    "Server",
    "ServerFailure",
    "Wire",
    "WireFailure",
    "binary_path",
    "decode_body",
    "load",
    "parse_log_line",
    "run_binary",
    "scaled",
    "wait_until",
]
