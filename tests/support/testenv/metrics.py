"""Reads the Prometheus text format, strictly: a series without HELP and TYPE, or twice, is an error.

SPDX-License-Identifier: MIT
"""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SERIES = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)\Z")
COMMENT = re.compile(rf"# (HELP|TYPE) ({NAME}) (.*)\Z")
LABEL_PARTS = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
KINDS = ("counter", "gauge", "histogram", "summary", "untyped")


class Metrics:
    """A parsed scrape: metrics["name"] or metrics.value("name", label="text"); sums over series that match."""

    def __init__(self, text):
        self.kinds = {}
        self.helps = {}
        self.series = {}
        assert text.endswith("\n"), "the last line must end in a line feed"
        for line in text.splitlines():
            self._line(line)

    def _line(self, line):
        comment = COMMENT.match(line)
        if comment:
            word, name, rest = comment.groups()
            target = self.kinds if word == "TYPE" else self.helps
            assert name not in target, f"{word} twice: {line}"
            assert word == "HELP" or rest in KINDS, line
            target[name] = rest
            return
        if not line or line.startswith("#"):
            return
        match = SERIES.match(line)
        assert match, f"not a sample: {line!r}"
        name, labels, value = match.groups()
        family = self._family(name)
        assert family in self.helps and family in self.kinds, f"{name} has no HELP or TYPE before it"
        key = (name, tuple(sorted(LABEL_PARTS.findall(labels or ""))))
        assert key not in self.series, f"{line!r} appears twice"
        self.series[key] = float(value)

    def _family(self, name):
        if name in self.kinds:
            return name
        for suffix in ("_bucket", "_sum", "_count"):
            if name.endswith(suffix) and self.kinds.get(name[: -len(suffix)]) in ("histogram", "summary"):
                return name[: -len(suffix)]
        return name

    def names(self):
        return {name for name, _ in self.series}

    def value(self, name, **labels):
        wanted = set(labels.items())
        found = [v for (n, l), v in self.series.items() if n == name and wanted <= set(l)]
        if not found:
            raise KeyError(f"{name} {labels}: not among {sorted(self.names())}")
        return sum(found)

    def __getitem__(self, name):
        return self.value(name)

    def __contains__(self, name):
        return name in self.names()
