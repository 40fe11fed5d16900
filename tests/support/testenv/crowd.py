"""Many connections that ask at the same time: all of them send before any of them reads.

SPDX-License-Identifier: MIT
"""

import contextlib

from .wire import Wire


class Crowd:
    """Kept connections; one that the server closes is opened anew for the next round."""

    def __init__(self, address, size=20):
        self.address = address
        self.wires = [None] * size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for index, wire in enumerate(self.wires):
            if wire is not None:
                with contextlib.suppress(OSError):
                    wire.close()
            self.wires[index] = None

    def ask(self, requests):
        """requests: dicts of Wire.request's arguments. Returns the responses in the same order."""
        requests = list(requests)
        responses = []
        for begin in range(0, len(requests), len(self.wires)):
            part = requests[begin : begin + len(self.wires)]
            for index, request in enumerate(part):
                if self.wires[index] is None:
                    self.wires[index] = Wire(self.address)
                self.wires[index].request(**request)
            for index, request in enumerate(part):
                response = self.wires[index].expect_response(method=request.get("method", "GET"), version=request.get("version", "1.1"))
                responses.append(response)
                if response.closes or request.get("version") == "1.0":
                    self.wires[index].close()
                    self.wires[index] = None
        return responses
