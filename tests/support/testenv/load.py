"""Load on a worker script with wrk, and whether the server's memory and descriptors stay as they are.

SPDX-License-Identifier: MIT
"""

import re
import subprocess
from dataclasses import dataclass

# Plain pages, forms, sessions of many clients and uploads, in turn.
MIXED_SCRIPT = """<?php
$handler = function () {
    static $kept = [];
    $kept[$_GET['n'] % 100] = $_GET['n']; // state of the application, of a fixed size
    switch ($_GET['kind']) {
        case 'hello':
            echo 'hello ', $_GET['n'];
            break;
        case 'post':
            header('X-N: ' . $_POST['n']);
            echo json_encode([$_POST, strlen(file_get_contents('php://input')), $_SERVER['HTTP_USER_AGENT'] ?? null]);
            break;
        case 'session':
            session_id('soak' . $_GET['n'] % 500);
            session_start();
            $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
            echo $_SESSION['n'];
            break;
        case 'upload':
            $file = $_FILES['f'];
            echo $file['size'], ' ', $file['error'], ' ', hash_file('crc32b', $file['tmp_name']);
            break;
        case 'body':
            echo strlen(file_get_contents('php://input'));
            break;
        case 'throw':
            ob_start();
            echo 'buffered';
            try {
                throw new LogicException('x');
            } catch (LogicException $e) {
                echo $e->getLine();
            }
            $cycle = new stdClass;
            $cycle->self = $cycle;
            break;
        case 'stream':
            for ($i = 0; $i < 4; $i++) {
                echo str_repeat('z', 300);
                flush();
            }
            break;
    }
};
while (frankenphp_handle_request($handler)) {
    gc_collect_cycles(); // as frameworks do: else cycles stay until there are 10,000, some MiB
}
"""

# Names of uploads are random: PHP's cache of paths grows to its limit, for as long as a soak takes.
SETTINGS = ("-d", "realpath_cache_size=32K")

WRK_SCRIPT = """
local path = "%s"
local number = 0
local upload = "--b\\r\\nContent-Disposition: form-data; name=\\"f\\"; filename=\\"x.bin\\"\\r\\nContent-Type: text/plain\\r\\n\\r\\n" .. string.rep("upload ", 300) .. "\\r\\n--b--\\r\\n"
local form = {["Content-Type"] = "application/x-www-form-urlencoded"}
local multipart = {["Content-Type"] = "multipart/form-data; boundary=b"}
local plain = {["Content-Type"] = "application/json"}
local large = string.rep("x", 20000)
request = function()
    number = number + 1
    local turn = number %% 10
    local n = "&n=" .. number
    if turn == 1 or turn == 6 then return wrk.format("POST", path .. "?kind=post" .. n, form, "n=" .. number .. "&a[]=1&a[]=2&text=" .. string.rep("y", 200)) end
    if turn == 2 then return wrk.format("GET", path .. "?kind=session" .. n) end
    if turn == 3 then return wrk.format("POST", path .. "?kind=upload" .. n, multipart, upload) end
    if turn == 4 then return wrk.format("GET", path .. "?kind=throw" .. n) end
    if turn == 5 then return wrk.format("GET", path .. "?kind=stream" .. n) end
    if turn == 7 and number %% 100 == 7 then return wrk.format("PUT", path .. "?kind=body" .. n, plain, large) end
    return wrk.format("GET", path .. "?kind=hello" .. n)
end
"""


@dataclass
class Size:
    requests: int
    pss_kib: int
    descriptors: int


def storm(server, script, seconds, connections=8):
    """wrk's count of requests, and what went wrong."""
    host, port = server.address
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script, f"http://{host}:{port}/"], capture_output=True, text=True, check=True
    )
    return int(re.search(r"(\d+) requests in", done.stdout).group(1)), re.findall(r"Socket errors: .*|Non-2xx.*", done.stdout)


def size_kib(server):
    """Without pages of files: how much of those counts depends on who else has them."""
    return server.memory_kib("Pss_Anon") + server.memory_kib("Pss_Shmem")


def soak(server, path, folder, wanted, seconds=10):
    """Mixed requests to the script at the URL path until there have been so many; the server's size after each storm."""
    script = folder / "mixed.lua"
    script.write_text(WRK_SCRIPT % path)
    sizes, total = [], 0
    while total < wanted:
        count, troubles = storm(server, script, seconds)
        assert not troubles and count > 0, troubles
        total += count
        server.metrics()
        sizes.append(Size(total, size_kib(server), server.descriptors()))
    return sizes


def at(sizes, part):
    """The first size after that part of all requests."""
    return next(size for size in sizes if size.requests >= sizes[-1].requests * part)
