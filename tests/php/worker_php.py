"""A worker script whose requests bring their own code, for the tests of worker mode's PHP side.

SPDX-License-Identifier: MIT
"""

import base64
import json
import re

# The callback runs what the request brings; BOOT, BEFORE and AFTER are of the test.
SCRIPT = """<?php
$GLOBALS['boot_id'] = bin2hex(random_bytes(4));
$GLOBALS['served'] = 0;
BOOT
$callback = function () {
    $GLOBALS['served']++;
    BEFORE
    return eval(base64_decode($_SERVER['HTTP_X_CODE'] ?? ''));
};
while (frankenphp_handle_request($callback)) {
    AFTER
}
END
"""


def code_field(code):
    return ("X-Code", base64.b64encode(code.encode()).decode())


class WorkerSite:
    """A running server with the script /w.php in worker mode."""

    def __init__(self, server):
        self.server = server

    def run(self, code, suffix="", fields=(), **options):
        return self.server.fetch("/w.php" + suffix, fields=[code_field(code), *fields], **options)

    def text(self, code, suffix="", **options):
        response = self.run(code, suffix, **options)
        assert response.status == 200, response
        return response.body.decode()

    def json(self, expression, suffix="", **options):
        """What the expression evaluates to."""
        return json.loads(self.text(f"echo json_encode({expression});", suffix, **options))

    def expect_fatal(self, text):
        self.server.expect_log(r"php\.message .*" + re.escape(text))


def start(launch, *arguments, boot="", before="", after="", end="", threads=1, workers=1, files=None, **options):
    """One thread for the script unless told otherwise: then requests come one after the other in the same engine."""
    code = SCRIPT.replace("BOOT", boot).replace("BEFORE", before).replace("AFTER", after).replace("END", end)
    all_files = {"w.php": code, **(files or {})}
    return WorkerSite(
        launch("--worker", f"w.php,{threads}", *arguments, executor="ext", workers=workers, files=all_files, **options)
    )
