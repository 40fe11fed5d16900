"""What the clients of this folder are served: scripts, files, and a page with a hundred assets.

SPDX-License-Identifier: MIT
"""

import struct
import subprocess
import zlib

ECHO = """<?php
header("Content-Type: application/json");
$in = file_get_contents("php://input");
echo json_encode(["method" => $_SERVER["REQUEST_METHOD"], "protocol" => $_SERVER["SERVER_PROTOCOL"], "https" => $_SERVER["HTTPS"] ?? null,
    "get" => $_GET, "post" => $_POST, "length" => strlen($in), "md5" => md5($in),
    "files" => array_map(fn($f) => [$f["name"], $f["size"], md5_file($f["tmp_name"])], $_FILES)]);"""
STREAM = """<?php
for ($i = 0; $i < 20; $i++) { echo str_repeat("part $i\\n", 100); flush(); }"""
TEXT = b"".join(b"line %d of a file that is long enough\n" % i for i in range(20_000))


def png(red):
    """A picture of 8 by 8 pixels in one colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([red, 80, 160]) * 8) * 8
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def page():
    """90 pictures, 5 style sheets, 5 scripts; the script at its end writes down how they came."""
    styles = "".join(f'<link rel="stylesheet" href="assets/{i}.css">' for i in range(5))
    pictures = "".join(f'<img src="assets/{i}.png" width="8" height="8" alt="{i}">' for i in range(90))
    scripts = "".join(f'<script src="assets/{i}.js"></script>' for i in range(5))
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A hundred assets</title>{styles}</head>
<body><h1>A hundred assets</h1>{pictures}{scripts}<pre id="result"></pre><script>
addEventListener("load", () => {{
  const seen = performance.getEntriesByType("resource").filter(e => e.name.includes("/assets/"));
  const pictures = [...document.images].filter(i => i.naturalWidth === 8).length;
  document.getElementById("result").textContent = JSON.stringify({{
    assets: seen.length, pictures, scripts: (window.loaded || []).length,
    colour: getComputedStyle(document.querySelector("h1")).color,
    protocols: [...new Set(seen.map(e => e.nextHopProtocol))],
    page: performance.getEntriesByType("navigation")[0].nextHopProtocol}});
}});
</script></body></html>
"""


def files():
    made = {"echo.php": ECHO, "stream.php": STREAM, "index.html": page(), "text.txt": TEXT, "hello.php": "<?php echo 'Hello, world!';"}
    made |= {f"assets/{i}.png": png(i * 2) for i in range(90)}
    made |= {f"assets/{i}.js": f"(window.loaded ??= []).push({i});\n" + "// padding\n" * 300 for i in range(5)}
    made |= {f"assets/{i}.css": f".c{i} {{ margin: {i}px }}\n" + ("h1 { color: rgb(1, 2, 3) }\n" if i == 4 else "") for i in range(5)}
    return made


def certificate(folder):
    """A self-signed certificate for localhost; returns (certificate, key)."""
    pair = folder / "localhost.pem", folder / "localhost.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(pair[1]), "-out", str(pair[0])],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return pair
