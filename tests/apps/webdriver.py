"""A browser that a test drives: Chromium, by the WebDriver protocol (W3C).

SPDX-License-Identifier: MIT
"""

import base64
import tempfile

import httpx

from services import Service, free_port, need
from testenv import wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900", "--disable-background-networking"]


class Browser:
    def __init__(self):
        # a short path: the browser makes a unix socket below it
        self.folder = tempfile.TemporaryDirectory(prefix="wd", dir="/tmp", ignore_cleanup_errors=True)
        folder = self.folder.name
        port = free_port()
        self.service = Service(need("chromedriver"), f"--port={port}", env={"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder})
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        self.session = None
        try:
            self._begin(folder)
        except BaseException:
            self.stop()
            raise

    def _begin(self, folder):
        wait_until(self._is_ready, "chromedriver listens")
        options = {"binary": need("chromium"), "args": [*ARGUMENTS, f"--user-data-dir={folder}/profile"]}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}})
        self.session = "/session/" + answer["sessionId"]

    def _is_ready(self):
        try:
            return self.client.get("/status").json()["value"]["ready"]
        except httpx.TransportError:
            return False

    def _call(self, method, path, body=None):
        answer = self.client.request(method, path, json=body if method == "POST" else None)
        value = answer.json()["value"]
        if answer.status_code != 200:
            raise AssertionError(f"{path}: {value.get('message', value)!s:.1000}")
        return value

    def visit(self, url):
        self._call("POST", self.session + "/url", {"url": url})

    def find(self, selector):
        return self._call("POST", self.session + "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def type(self, selector, text):
        self._call("POST", f"{self.session}/element/{self.find(selector)}/value", {"text": text})

    def click(self, selector):
        self._call("POST", f"{self.session}/element/{self.find(selector)}/click", {})

    def run(self, script):
        return self._call("POST", self.session + "/execute/sync", {"script": script, "args": []})

    def emulate(self, width, theme, height=900):
        """A screen of this width (narrow: a telephone's), and the theme ("light", "dark") that its user prefers."""
        for command, parameters in (
            ("setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}),
            ("setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
        ):
            self._call("POST", self.session + "/goog/cdp/execute", {"cmd": f"Emulation.{command}", "params": parameters})

    def title(self):
        return self._call("GET", self.session + "/title")

    def errors(self):
        """What the console says of scripts and files that did not load."""
        entries = self._call("POST", self.session + "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("GET", self.session + "/screenshot")))
        return path

    def stop(self):
        if self.session:
            self._call("DELETE", self.session)
        self.client.close()
        self.service.stop()
        self.folder.cleanup()
