"""Content codings, decoded by Python's own libraries.

SPDX-License-Identifier: MIT
"""

import gzip
import zlib

import brotli
import zstandard


def decode_body(coding, body):
    """The body without its coding (the value of Content-Encoding, or None)."""
    if coding == "gzip":
        return gzip.decompress(body)
    if coding == "br":
        return brotli.decompress(body)
    if coding == "zstd":
        return zstandard.ZstdDecompressor().stream_reader(body).read()
    if coding == "deflate":
        return zlib.decompress(body)
    assert coding is None, coding
    return body
