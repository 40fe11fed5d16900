"""How many bytes the server's end of one TCP connection has received and not read yet (Linux sock_diag).

It makes "byte by byte" an event instead of a sleep: a test sends the next byte when the server has taken the last one.
SPDX-License-Identifier: MIT
"""

import socket
import struct

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
NLMSG_ERROR = 2


def _sockid(source, destination):
    """struct inet_diag_sockid of an IPv4 socket whose local end is `source`."""
    return struct.pack(
        "!HH16s16sI8s",
        source[1],
        destination[1],
        socket.inet_aton(source[0]),
        socket.inet_aton(destination[0]),
        0,
        b"\xff" * 8,
    )


def unread_bytes(server_end, client_end):
    """Unread bytes at the server's end, None when the connection is not there any more (or the kernel does not tell)."""
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    request += _sockid(server_end, client_end)
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
            link.settimeout(5)
            link.send(header + request)
            answer = link.recv(4096)
    except OSError:
        return None
    _, kind = struct.unpack_from("=IH", answer)
    if kind == NLMSG_ERROR or len(answer) < 16 + 72:
        return None
    return struct.unpack_from("=I", answer, 16 + 4 + 48 + 4)[0]
