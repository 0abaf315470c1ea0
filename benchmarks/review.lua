-- What wrk sends and prints: one review over and over, with the headers of a kube-apiserver.
-- The first argument after -- is the file with the review.
-- Source: wrk, SCRIPTING; k8s.io/apiserver pkg/util/webhook (headers of client-go).

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  wrk.headers["Accept"] = "application/json, */*"
  wrk.headers["Accept-Encoding"] = "gzip"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["User-Agent"] = "kube-apiserver-admission"
end

-- Without a function response() wrk builds the request once, and does not copy answers into Lua.

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    "measured duration_us=%d requests=%d p50_us=%d p99_us=%d p999_us=%d max_us=%d"
      .. " connect=%d read=%d write=%d status=%d timeout=%d",
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
