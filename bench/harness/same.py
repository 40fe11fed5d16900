# SPDX-License-Identifier: MIT
"""Checks before anything is measured that all servers of a scenario do the same work."""
import gzip
import json
from typing import Dict, List, Optional

from .wire import Response, fetch
from .outcome import InvalidRun
from .servers import Server

# What a SAPI adds by itself.
OWN_EXTENSIONS = ("cgi-fcgi", "frankenphp", "phpsrv")


def check_answers(
    servers: List[Server], path: str, body: Optional[bytes] = None, accept_encoding: Optional[str] = None
) -> Dict[str, Response]:
    """Every server answers path with 200 and the same body, in the coding that is wanted; returns the responses by name."""
    fields = {"Accept-Encoding": accept_encoding} if accept_encoding else {}
    found = {server.name: fetch(server.port, path, body, fields) for server in servers}
    for name, response in found.items():
        coding = response.fields.get("content-encoding")
        if coding != accept_encoding:
            raise InvalidRun(f"{name} answers {path} in the coding {coding}, not {accept_encoding}")
        if coding == "gzip":
            response.body = gzip.decompress(response.body)
    first = servers[0].name
    for name, response in found.items():
        if response.status != 200:
            raise InvalidRun(f"{name} answers {path} with {response.status}: {response.body[:200]!r}")
        if response.body != found[first].body:
            raise InvalidRun(f"{first} and {name} differ at {path}: {found[first].body[:200]!r}, {response.body[:200]!r}")
    return found


def check_php(servers: List[Server]) -> None:
    """Every server that runs PHP runs the same one, with the same settings, and with opcache at work."""
    states = {}
    for server in servers:
        if server.spec["kind"] == "nginx_fpm" or server.spec.get("executor") == "ext":
            fetch(server.port, "/hello.php")
            fetch(server.port, "/hello.php")
            state = json.loads(fetch(server.port, "/state.php").body)
            if not (state["opcache"] and state["hello_is_cached"]):
                raise InvalidRun(f"{server.name} runs PHP without opcache: {state}")
            state["extensions"] = [name for name in state["extensions"] if name not in OWN_EXTENSIONS]
            states[server.name] = state
    names = list(states)
    for name in names[1:]:
        differences = [
            f"{key}: {states[names[0]][key]} and {states[name][key]}"
            for key in states[name]
            if states[name][key] != states[names[0]][key]
        ]
        if differences:
            raise InvalidRun(f"{names[0]} and {name} do not run PHP the same way: {'; '.join(differences)}")
