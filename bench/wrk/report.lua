-- SPDX-License-Identifier: MIT
-- Sends what the runner asks for (BENCH_BODY: a file with the body of a POST) and prints the outcome as one line of JSON.
-- There is no request() and no response(): they would run Lua for every request.
local body = os.getenv("BENCH_BODY")
if body then
    local file = assert(io.open(body, "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    file:close()
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '\nBENCH {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p90_us": %d, "p99_us": %d, "p999_us": %d, ' ..
        '"max_us": %d, "errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
        latency:percentile(99), latency:percentile(99.9), latency.max, e.connect, e.read, e.write, e.status, e.timeout))
end
