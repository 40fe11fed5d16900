-- SPDX-License-Identifier: MIT
-- Sends what the runner asks for (BENCH_BODY: a file with the body of a POST, of BENCH_TYPE; BENCH_SESSIONS: so many visitors, each
-- with a session of its own) and prints the outcome as one line of JSON.
-- There is no response(), and a request() only where requests differ: else Lua would run for every request.
local path = os.getenv("BENCH_BODY")
if path then
    local file = assert(io.open(path, "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = os.getenv("BENCH_TYPE")
    file:close()
end

local visitors = tonumber(os.getenv("BENCH_SESSIONS") or "0")
if visitors > 0 then
    local requests, turn = {}, 0
    function init()
        for i = 1, visitors do
            wrk.headers["Cookie"] = string.format("PHPSESSID=benchvisitor%012d", i)
            requests[i] = wrk.format()
        end
    end
    function request()
        turn = turn % visitors + 1
        return requests[turn]
    end
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '\nBENCH {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p90_us": %d, "p99_us": %d, "p999_us": %d, ' ..
        '"max_us": %d, "errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
        latency:percentile(99), latency:percentile(99.9), latency.max, e.connect, e.read, e.write, e.status, e.timeout))
end
