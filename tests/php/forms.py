"""Bodies of forms: fields, and uploads among them.

SPDX-License-Identifier: MIT
"""

FORM = ("Content-Type", "application/x-www-form-urlencoded")
BOUNDARY = "----boundary-of-the-test"
MULTIPART = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")


def multipart(*parts):
    """parts: (name, value) or (name, file name, type, bytes)."""
    body = b""
    for part in parts:
        name, value = part[0], part[-1]
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if len(part) == 4:
            body += f'; filename="{part[1]}"\r\nContent-Type: {part[2]}'.encode()
        body += b"\r\n\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()
