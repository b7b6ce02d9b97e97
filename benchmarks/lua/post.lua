-- Posts bodies of one size, each under an idempotency key of its own, and tells what it saw as JSON.
-- Arguments: the size in bytes, a salt that makes the keys of this run its own, more header lines.
local counter, head, tail = 0, nil, nil

function init(args)
   local size, salt, more = tonumber(args[1]), args[2], args[3] or ""
   head = "POST /enrollments HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nContent-Type: application/octet-stream\r\n"
      .. more .. "Content-Length: " .. size .. "\r\nIdempotency-Key: \"" .. salt .. "-"
   tail = "\"\r\n\r\n" .. string.rep("x", size)
end

function request()
   counter = counter + 1
   return head .. counter .. tail
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "failed": %d, "refused": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
      latency:percentile(50), latency:percentile(99)))
end
