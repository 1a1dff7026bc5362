-- wrk -s wrk.lua URL [-- BODY_FILE | -- '' PATHS_FILE]: GETs, or POSTs of the file, or GETs of each path in
-- the file in turn; one line of JSON at the end.
local function ask_each(file)
  local paths, i = {}, 0
  for path in io.lines(file) do paths[#paths + 1] = path end
  function request()
    i = i % #paths + 1
    return wrk.format('GET', paths[i])
  end
end

function init(args)
  if args[2] then return ask_each(args[2]) end
  if not args[1] then return end
  local file = assert(io.open(args[1]))
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = file:read("a")
  file:close()
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.3f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
