# SPDX-License-Identifier: MIT
"""A process of its own: takes all connections, says so many bytes to each, reads nothing, until it is ended. Prints its port.

usage: sink.py BYTES
"""
import socket
import sys


def main() -> int:
    answer = bytes(int(sys.argv[1]))
    kept = []
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        print(f"ready {listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            kept.append(connection)
            if answer:
                connection.send(answer)  # what fits


if __name__ == "__main__":
    sys.exit(main())
