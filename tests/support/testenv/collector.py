"""A collector of OpenTelemetry spans that checks what it gets against the JSON structure of OTLP, and misbehaves on request.

SPDX-License-Identifier: MIT
"""

import gzip
import http.server
import json
import re
import socketserver
import threading

# opentelemetry-proto, trace.proto: the names of the JSON encoding, and what must be there.
REQUEST_KEYS = {"resourceSpans"}
RESOURCE_SPANS_KEYS = {"resource", "scopeSpans"}
SCOPE_SPANS_KEYS = {"scope", "spans"}
SPAN_KEYS = {"traceId", "spanId", "parentSpanId", "traceState", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}
SPAN_KEYS_NEEDED = {"traceId", "spanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "status"}


def attributes(items):
    """{"key": value} of a list of KeyValue; raises for any other form."""
    found = {}
    for item in items:
        assert set(item) == {"key", "value"} and item["key"] and item["key"] not in found, item
        ((kind, value),) = item["value"].items()
        if kind == "intValue":
            assert isinstance(value, str), "64-bit integers are strings"
            value = int(value)
        else:
            assert kind == "stringValue" and isinstance(value, str), item
        found[item["key"]] = value
    return found


class Span:
    """One span, checked."""

    def __init__(self, raw, resource):
        assert set(raw) <= SPAN_KEYS and set(raw) >= SPAN_KEYS_NEEDED, raw
        assert re.fullmatch(r"[0-9a-f]{32}", raw["traceId"]) and re.fullmatch(r"[0-9a-f]{16}", raw["spanId"]), raw
        assert raw["kind"] in (1, 2) and isinstance(raw["flags"], int) and set(raw["status"]) <= {"code", "message"}, raw
        self.raw, self.resource = raw, resource
        self.trace, self.id, self.parent = raw["traceId"], raw["spanId"], raw.get("parentSpanId")
        assert self.parent is None or re.fullmatch(r"[0-9a-f]{16}", self.parent), raw
        self.name, self.is_server = raw["name"], raw["kind"] == 2
        self.attributes = attributes(raw.get("attributes", []))
        assert isinstance(raw["startTimeUnixNano"], str) and isinstance(raw["endTimeUnixNano"], str), raw
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        assert 10**18 < self.start <= self.end, raw
        self.status = raw["status"].get("code", 0)
        self.state = raw.get("traceState")

    def __repr__(self):
        return f"Span({self.name}, {self.attributes})"


class Collector:
    """`answer` may be replaced: a function of the number of the request to (status, fields, body), or None to say nothing at all."""

    def __init__(self, answer=None, tls=None, port=0):
        self.answer = answer or (lambda number: (200, {}, b'{"partialSuccess":{}}'))
        self.spans, self.requests, self.problems, self.connections = [], [], [], 0
        self.lock, self.release = threading.Lock(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                with outer.lock:
                    outer.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    number = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers), body))
                answer = outer.answer(number)
                if answer is None:
                    outer.release.wait(60)
                    self.close_connection = True
                    return
                status, fields, content = answer
                if 200 <= status < 300:
                    outer.take(self.path, self.headers, body)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1/traces"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def take(self, path, fields, body):
        try:
            assert path == "/v1/traces" and fields["Content-Type"] == "application/json", (path, fields)
            if fields.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = json.loads(body.decode("utf-8"))
            assert set(request) == REQUEST_KEYS, request
            for resource_spans in request["resourceSpans"]:
                assert set(resource_spans) == RESOURCE_SPANS_KEYS, resource_spans
                assert set(resource_spans["resource"]) == {"attributes"}, resource_spans["resource"]
                resource = attributes(resource_spans["resource"]["attributes"])
                for scope_spans in resource_spans["scopeSpans"]:
                    assert set(scope_spans) == SCOPE_SPANS_KEYS and scope_spans["scope"]["name"] == "phpsrv", scope_spans
                    spans = [Span(raw, resource) for raw in scope_spans["spans"]]
                    with self.lock:
                        self.spans += spans
        except (AssertionError, ValueError, KeyError, TypeError) as problem:
            self.problems.append(repr(problem))

    def servers(self):
        """The spans of requests; raises when something was malformed."""
        assert not self.problems, self.problems
        return [span for span in self.spans if span.is_server]

    def children(self, span):
        return {child.name: child for child in self.spans if child.parent == span.id}

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
