# SPDX-License-Identifier: MIT
"""Reads the object files with nm: who really calls PHP, libevent and the others, and which names we give away."""
import os
import re
import subprocess
from typing import Dict, List, Tuple

from common import Problem, Skip

PHP = r"^_?(zend|php|tsrm|sapi|smart_str|executor_globals|compiler_globals|core_globals)_|^_e(malloc|free|realloc|calloc|strdup|strndup)|^_safe_|^spprintf|^ap_php"
# Folder -> pattern of names that nobody else may ask for.
OWNERS: List[Tuple[str, str, str]] = [
    ("PHP", PHP, "sapi"),
    ("libevent", r"^(event|evutil|evbuffer|bufferevent|evthread|evdns|evconnlistener|evtimer)_", "net"),
    ("OpenSSL", r"^(SSL|CRYPTO|EVP|X509|BIO|ERR|PEM|OPENSSL|OSSL)_", "net"),
    ("llhttp", r"^llhttp_", "http1"),
    ("nghttp2", r"^nghttp2_", "http2"),
    ("brotli and zstd", r"^(BrotliEncoder|BrotliDecoder|ZSTD_)", "filter"),
    ("zlib", r"^(deflate|inflate)", "filter or observe"),
    ("libcurl", r"^curl_", "observe"),
    # libstdc++ is wanted by the TOML reader alone.
    ("C++", r"^_Z", "config"),
]
# http/ is pure: none of these.
IMPURE = re.compile(r"^(open|openat|read|write|close|socket|connect|send|recv|poll|time|clock_gettime|gettimeofday|localtime|getenv|"
                    r"pthread_\w+|thrd_\w+|mtx_\w+|printf|fprintf|puts|fopen|malloc|calloc|realloc)$")
OURS = re.compile(r"^psv_")
# What the program gives libphp on purpose: sapi/php_blocking.c takes the place of the C library's.
EXPORTED = {"poll", "flock", "getenv", "putenv", "setenv", "unsetenv", "popen", "posix_spawn", "posix_spawnp", "setlocale", "nice"} | {
    "fcntl", "getpid", "sigaction", "sigprocmask", "timer_settime"
}  # fmt: skip
# PHP's thread-local cache (TSRMLS_MAIN_CACHE_DEFINE) and its functions (ZEND_FUNCTION) have the names that PHP's headers give them.
ALLOWED: Dict[str, re.Pattern] = {"sapi": re.compile(rf"^(_tsrm_ls_cache|zi[fm]_\w+|{'|'.join(sorted(EXPORTED))})$"), "config": re.compile(r"^(_Z|DW\.ref\.)")}
SANITIZER = re.compile(r"^(__asan|__ubsan|__tsan|__odr_asan|__gcov|__llvm|__sanitizer)")


def nm(path: str, *options: str) -> List[Tuple[str, str]]:
    """(type, name) of each symbol."""
    run = subprocess.run(["nm", "-P", *options, path], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Skip(f"nm cannot read {path}: {run.stderr.strip()}")
    rows = (line.split() for line in run.stdout.splitlines())
    return [(row[1], row[0]) for row in rows if len(row) >= 2]


def objects(build: str) -> List[Tuple[str, str]]:
    """(folder, object file) of each object library psv_<folder>."""
    found = []
    for where, _, names in os.walk(os.path.join(build, "CMakeFiles")):
        match = re.search(r"/psv_(\w+)\.dir(/|$)", where)
        if match:
            found += [(match.group(1), os.path.join(where, name)) for name in sorted(names) if name.endswith(".o")]
    return sorted(found)


def check_symbols(label: str, folder: str, symbols: List[Tuple[str, str]]) -> List[Problem]:
    problems = []
    for kind, name in symbols:
        if SANITIZER.match(name):
            continue
        if kind in "Uw":
            for whose, pattern, owner in OWNERS:
                if folder not in owner.split(" or ") and re.match(pattern, name):
                    problems.append(Problem(label, 0, f"asks for {name}, but only {owner} may use {whose}"))
            if folder == "http" and IMPURE.match(name):
                problems.append(Problem(label, 0, f"asks for {name}, but http is pure (no I/O, no threads, no clock, no heap)"))
        elif kind.isupper() and not OURS.match(name):
            allowed = ALLOWED.get(folder)
            if not (allowed and allowed.match(name)):
                problems.append(Problem(label, 0, f"the external name {name} does not begin with psv_"))
    return problems


def check_program(path: str, label: str) -> List[Problem]:
    """The dynamic symbols of the program: libphp would take one of ours for its own."""
    problems = []
    for kind, name in nm(path, "-D", "--defined-only"):
        plain = name.split("@")[0]
        # Variables of libc and C++ run-time data that the linker copied into the program carry a version.
        if "@" in name or plain.startswith("_Z") or plain in ("_init", "_fini", "_IO_stdin_used", "__bss_start", "_edata", "_end"):
            continue
        if plain in EXPORTED:
            continue
        problems.append(Problem(label, 0, f"the program exports {plain} ({kind}): libphp could bind to it"))
    return problems


def check(root: str, build: str) -> List[Problem]:
    found = objects(build)
    if not found:
        raise Skip(f"no object files in {os.path.relpath(build, root)}: build first")
    problems: List[Problem] = []
    for folder, path in found:
        source = os.path.relpath(path, build).split(".dir/", 1)[1][:-2]
        # An object whose source is gone is left over from an older build.
        if os.path.exists(os.path.join(root, source)):
            problems += check_symbols(source, folder, nm(path, "-g"))
    program = os.path.join(build, "phpsrv")
    if os.path.exists(program):
        problems += check_program(program, "phpsrv")
    return problems
