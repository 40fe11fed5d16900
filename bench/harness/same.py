# SPDX-License-Identifier: MIT
"""Checks before anything is measured that all servers of a scenario do the same work."""
import gzip
import json
from typing import Dict, List, Optional, Set

from .wire import Response, fetch
from .outcome import InvalidRun
from .servers import Server
from .work import Work

# What a SAPI adds by itself.
OWN_EXTENSIONS = ("cgi-fcgi", "frankenphp", "phpsrv", "cli_server", "apache2handler")


def check_answers(servers: List[Server], work: Work, may_differ_by: float = 0) -> Dict[str, Response]:
    """Every server answers with 200 and the same body, in the coding that is wanted; returns the responses by name.
    may_differ_by: the share by which the lengths of pages with changing parts may differ; 0: every byte is the same."""
    wanted = work.scenario.get("accept_encoding")
    fields = work.fields()
    if work.body is not None:
        fields["Content-Type"] = work.body_type
    if work.sessions:
        fields["Cookie"] = "PHPSESSID=benchcheck"
    first: Optional[Response] = None
    found: Dict[str, Response] = {}
    for server in servers:
        path = work.path(server.name)
        response = found[server.name] = fetch(server.port, path, work.body, fields)
        coding = response.fields.get("content-encoding")
        if coding != wanted:
            raise InvalidRun(f"{server.name} answers {path} in the coding {coding}, not {wanted}")
        if coding == "gzip":
            response.body = gzip.decompress(response.body)
        if response.status != 200:
            raise InvalidRun(f"{server.name} answers {path} with {response.status}: {response.body[:200]!r}")
        first = first or response
        if may_differ_by:
            is_same = abs(len(response.body) - len(first.body)) <= may_differ_by * len(first.body)
        else:
            is_same = response.body == first.body or bool(work.sessions)
        if not is_same:
            raise InvalidRun(f"{servers[0].name} and {server.name} differ at {path}: {first.body[:200]!r}, {response.body[:200]!r}")
    return found


def check_limit_body(first: Response, per_request: float, may_differ_by: float) -> None:
    """The engine's bare loop makes the page that the servers answer with, of bodies in no coding."""
    if abs(per_request - len(first.body)) > may_differ_by * len(first.body):
        raise InvalidRun(f"the limit makes {per_request:,.0f} bytes of body for each request, the servers {len(first.body):,}")


def check_php(servers: List[Server]) -> List[str]:
    """Every server that runs PHP runs the same one, with the same settings, and with opcache at work. Those that have a PHP of their own
    are named in what is returned."""
    states, notes = {}, []
    own: Set[str] = set()
    for server in servers:
        if server.php == "none" or not server.setup.has_state:
            continue
        fetch(server.port, "/hello.php")
        fetch(server.port, "/hello.php")
        state = json.loads(fetch(server.port, "/state.php").body)
        if server.php == "other":
            notes.append(f"{server.name}: other PHP, {state['version']} {'with' if state['zts'] else 'without'} threads")
            continue
        if not (state["opcache"] and state["hello_is_cached"]):
            raise InvalidRun(f"{server.name} runs PHP without opcache: {state}")
        for key, value in server.ini_values().items():  # a variant: it has what it says, and differs in that alone
            if state["settings"].get(key, value) != value:
                raise InvalidRun(f"{server.name} has {key}={state['settings'][key]}, not {value}")
            own.add(key)
        state["extensions"] = [name for name in state["extensions"] if name not in OWN_EXTENSIONS]
        states[server.name] = state
    for state in states.values():
        state["settings"] = {key: value for key, value in state["settings"].items() if key not in own}
        if any(key.startswith("opcache.jit") for key in own):
            del state["jit"]
    names = list(states)
    for name in names[1:]:
        differences = [
            f"{key}: {states[names[0]][key]} and {states[name][key]}"
            for key in states[name]
            if states[name][key] != states[names[0]][key]
        ]
        if differences:
            raise InvalidRun(f"{names[0]} and {name} do not run PHP the same way: {'; '.join(differences)}")
    return notes
