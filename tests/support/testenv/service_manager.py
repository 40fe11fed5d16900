"""What stands in for a service manager.

SPDX-License-Identifier: MIT
"""

import socket


class Manager:
    """The other end of sd_notify."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(20)

    def expect(self, wanted, ignore=("WATCHDOG=1",)):
        while True:
            said = self.socket.recv(4096).decode()
            if said.startswith(wanted):
                return said
            assert said in ignore, said
