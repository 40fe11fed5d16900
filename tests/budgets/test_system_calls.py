"""System calls of a request, by thread.

Not among them: getpid, timer_settime, rt_sigaction, rt_sigprocmask and fcntl, which PHP would make (sapi/php_quiet_calls.h), and all that
opens, maps or looks at files, but for the one look at a script in classic mode.

SPDX-License-Identifier: MIT
"""

from collections import Counter

import pytest

import budget_table
from budget_cases import CASES
from testenv.syscalls import count_syscalls

pytestmark = pytest.mark.no_sanitizer
REQUESTS = 1000
# What one call more at the beginning or the end of the tracing makes.
BRIM = 0.01


def complaints(counts, rules, others):
    """counts: per request."""
    found = []
    for name, exactly in rules["exactly"].items():
        if abs(counts.get(name, 0) - exactly) > BRIM:
            found.append(f"{name}: {counts.get(name, 0):g} for a request, must be {exactly}")
    for name, most in rules["at_most"].items():
        if counts.get(name, 0) > most + BRIM:
            found.append(f"{name}: {counts[name]:g} for a request, at most {most}")
    rest = {name: count for name, count in counts.items() if name not in rules["exactly"] and name not in rules["at_most"]}
    if sum(rest.values()) > others:
        found.append(f"others: {rest} for a request, at most {others} together")
    if sum(counts.values()) > rules["total"]:
        found.append(f"all: {sum(counts.values()):.2f} for a request, at most {rules['total']}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_system_calls(launch, site, name):
    case, table = CASES[name], budget_table.load()["system_calls"]
    server = case.launch(launch, site)
    with server.connect() as wire:
        case.turns(wire, 300)
        per_request = {"loop": Counter(), "workers": Counter()}
        for thread, number in server.threads():
            group = "workers" if thread.startswith("php-") else "loop" if number == server.pid else None
            if group:
                counts = count_syscalls(server, number, lambda: case.turns(wire, REQUESTS))
                per_request[group].update({call: count / REQUESTS for call, count in counts.items()})
    found = [
        f"{group}: {complaint}"
        for group, counts in per_request.items()
        for complaint in complaints(counts, table[name][group], table["others"])
    ]
    assert not found, "\n".join([*found, str(per_request)])
