"""Instructions and allocations of a request, by thread, counted by callgrind.

One server counts several equal loads, of which the cheapest counts: what comes now and then (a timer, one wake-up more) is in some of them
only. Spread of that over five runs, between the lowest and the highest: 0.5 % for the loop in cases with PHP (its wake-ups), 0.04 % in the
others; 0.13 % for workers in worker mode, 0.01 % in the others. Without Callgrind.be_calm() single loads of the loop differed by 8 %.

SPDX-License-Identifier: MIT
"""

import signal
import warnings

import pytest

import budget_table
from budget_cases import CASES
from callgrind import Callgrind
from testenv.server import EXECUTORS, SUPERVISOR

pytestmark = pytest.mark.no_sanitizer
LOADS = 5
# Of timers, per request, where they happen to fall into each load.
BACKGROUND = {"instructions": 50, "allocations": 0}


def measure(server, case, callgrind):
    """{"instructions": {"loop": n, "workers": n}, "allocations": ...} per request, and who called the allocator in the last load."""
    loads = []
    with server.connect(timeout=60) as wire:
        case.turns(wire, case.requests)
        callgrind.dump(server)
        for _ in range(LOADS):
            case.turns(wire, case.requests)
            loads.append(callgrind.dump(server))
    figures = {"instructions": {}, "allocations": {}}
    for group in ("loop", "workers"):
        figures["instructions"][group] = round(min(load[group].instructions for load in loads) / case.requests)
        # Timers allocate now and then, the oftener for a request the slower the machine: less than one in twenty is none.
        figures["allocations"][group] = round(min(sum(load[group].callers.values()) for load in loads) / case.requests, 1)
    callers = [
        f"{group}: {caller} calls {function} {calls / case.requests:.2f} times"
        for group, cost in loads[-1].items()
        for (caller, function), calls in cost.callers.most_common(8)
    ]
    return figures, callers


@pytest.mark.parametrize("name", CASES)
def test_instructions_and_allocations(launch, site, tmp_path, record_property, updating, name):
    if EXECUTORS["ext"] != "ext" or SUPERVISOR != "false":
        pytest.skip("the budgets are those of the ext executor, without supervisor")
    case, table = CASES[name], budget_table.load()
    different = None if updating else budget_table.difference(table["conditions"])
    callgrind = Callgrind(tmp_path)
    server = case.launch(launch, site, wrapper=callgrind.wrapper, preexec_fn=callgrind.be_calm)
    figures, callers = measure(server, case, callgrind)
    # callgrind asserts now and then when the signal that ends a program hits a thread within a system call
    server.expected_status = -signal.SIGKILL
    server.kill()
    assert figures["allocations"]["loop"] == 0, "the loop allocates for requests:\n" + "\n".join(callers)
    if updating:
        record_property("budget", {"case": name, "figures": figures})
        return
    if different:
        pytest.skip(different)
    found = []
    for kind, groups in figures.items():
        for group, measured in groups.items():
            budget = table[kind][name][group]
            found.append(budget_table.judge(f"{kind} of {group}", measured, budget, table["tolerance_percent"], BACKGROUND[kind]))
            if budget_table.is_slack(measured, budget, table["tolerance_percent"]):
                warnings.warn(f"{name}: {measured:g} {kind} of {group}, the budget is {budget:g}: ./dev budgets --update")
    found = [text for text in found if text]
    assert not found, "\n".join(found + callers)
