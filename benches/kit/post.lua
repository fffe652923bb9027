-- Posts a body with the headers that the runtime sends, and prints the figures as a line of JSON.
--
-- BENCH_BODY       the file of the body
-- BENCH_ADDRESSES  where above 0: the digits of "user-0000000" in the body, once, become 0, 1, and so on up to there, and
--                  then begin anew

local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
local body = file:read("*a")
file:close()

wrk.method = "POST"
wrk.body = body
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.headers["Accept"] = "application/octet-stream"
wrk.headers["Accept-Encoding"] = "gzip,deflate"
wrk.headers["Connection"] = "keep-alive"
wrk.headers["User-Agent"] = "statefun"

local addresses = tonumber(os.getenv("BENCH_ADDRESSES"))
if addresses > 0 then
  local at = assert(body:find("user-0000000", 1, true), "no user-0000000 in the body") + #"user-"
  local after = body:sub(at + 7)
  local before, number = nil, -1

  function request()
    -- wrk knows the host only once it runs.
    before = before or wrk.format():sub(1, -#body - 1) .. body:sub(1, at - 1)
    number = (number + 1) % addresses
    return before .. string.format("%07d", number) .. after
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"failed":%d,"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
