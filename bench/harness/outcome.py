# SPDX-License-Identifier: MIT
"""What a scenario hands back: figures, and how they stand to their bounds."""
from typing import Any, Dict, Iterable, List, Optional

from .stats import median  # pylint: disable=unused-import


class InvalidRun(Exception):
    """Servers that do not do the same, or too many rounds with errors: there is no figure to show."""


class Unavailable(Exception):
    """The scenario needs something that this machine or this build does not have: it is left out, which is no failure."""


def verdict(what: str, value: float, bound: float, is_minimum: bool) -> Dict[str, Any]:
    holds = value >= bound if is_minimum else value <= bound
    return {"what": what, "value": value, "bound": bound, "is_minimum": is_minimum, "holds": holds}


def verdicts(target: Dict[str, float], figures: Dict[str, float]) -> List[Dict[str, Any]]:
    """target: NAME_min and NAME_max for figures of NAME. A bound of something that was not measured is a mistake."""
    found = []
    for key, bound in target.items():
        name, _, end = key.rpartition("_")
        if name not in figures or end not in ("min", "max"):
            raise InvalidRun(f"target.{key} names no figure (there are {', '.join(figures)})")
        found.append(verdict(name, figures[name], bound, end == "min"))
    return found


def outcome(scenario: Dict[str, Any], rows: List[Dict[str, Any]], figures: Dict[str, float], rounds: List[Any],
            commands: Optional[Dict[str, List[str]]] = None, notes: Iterable[str] = ()) -> Dict[str, Any]:  # fmt: skip
    return {
        "scenario": scenario["name"],
        "kind": scenario["kind"],
        "about": scenario["about"],
        "rows": rows,
        "figures": figures,
        "verdicts": verdicts(scenario.get("target", {}), figures),
        "rounds": rounds,
        "commands": commands or {},
        "notes": list(notes),
    }
