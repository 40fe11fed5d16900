"""Log lines of the server, text and JSON.

    2026-11-20T12:00:00.000Z INFO  server.ready address=127.0.0.1:8080 workers=8
SPDX-License-Identifier: MIT
"""

import json
import re

TEXT_LINE = re.compile(r"(?:(?P<time>\S+)\s+)?(?P<level>DEBUG|INFO|WARN|ERROR)\s+(?P<event>[a-z0-9_]+(?:\.[a-z0-9_]+)+)(?P<rest>.*)\Z")
FIELD = re.compile(r'\s+([A-Za-z_][A-Za-z0-9_.-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')


class LogLine:
    def __init__(self, level, event, fields, raw):
        self.level = level
        self.event = event
        self.fields = fields
        self.raw = raw

    def __getitem__(self, key):
        return self.fields[key]

    def __repr__(self):
        return f"<LogLine {self.raw}>"


def parse_log_line(raw):
    """The line's level, event and fields; None when it is not a log line."""
    if raw.startswith("{"):
        try:
            fields = json.loads(raw)
        except ValueError:
            return None
        if "event" not in fields:
            return None
        return LogLine(str(fields.get("level", "")).upper(), fields["event"], fields, raw)
    match = TEXT_LINE.match(raw)
    if not match:
        return None
    fields = {}
    for key, value in FIELD.findall(match.group("rest")):
        fields[key] = value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if value.startswith('"') else value
    return LogLine(match.group("level"), match.group("event"), fields, raw)
