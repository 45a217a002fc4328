-- SPDX-License-Identifier: MIT
-- For wrk: native events with ids that never repeat, an exact number of requests. A connection that has
-- no more to send is parked; the run ends when the last request is acknowledged.
--
--   wrk -t1 -c64 -d600s -s load.lua URL -- REQUESTS EVENTS-A-REQUEST LEADS ID-PREFIX [FIRST]
--
-- The last line is JSON: {"requests", "errors", "seconds", "p50_us", "p99_us"}.

local ffi = require("ffi")
ffi.cdef("int kill(int pid, int signal); int getpid(void);")

local limit, batch, leads, prefix, first
local issued, answered = -1, 0 -- wrk asks for one request before it starts, to look at it
wrong = 0 -- read by done(), so not local
local now_ms = os.time() * 1000
local kinds = { "email_open", "page_view", "visit", "email_click", "form_submit" }
local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init(args)
	limit, batch, leads = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
	prefix, first = args[4], tonumber(args[5] or 0)
end

local function event(n)
	local lead = (n * 7919 + 7919) % leads
	return string.format('{"id":"%s-%d","kind":"%s","time":%d,"lead":{"email":"person%d@example.com"},' ..
		'"message":"campaign-%d","attributes":{"company":"Acme %d","employees":%d},"detail":{"url":"/pricing"}}',
		prefix, n, kinds[n % 5 + 1], now_ms - (n % 20160) * 60000, lead, n % 50, lead % 5000, lead % 900 + 1)
end

function request()
	if issued >= limit then
		return ""
	end
	local events, base = {}, first + issued * batch
	for i = 1, batch do
		events[i] = event(base + i)
	end
	issued = issued + 1
	return wrk.format("POST", "/api/events", { ["Content-Type"] = "application/json" },
		'{"events":[' .. table.concat(events, ",") .. ']}')
end

function response(status)
	answered = answered + 1
	if status ~= 202 then
		wrong = wrong + 1
	end
	if answered >= limit then
		wrk.thread:stop()
		ffi.C.kill(ffi.C.getpid(), 2) -- wrk's main thread sleeps until then
	end
end

function done(summary, latency)
	local bad = 0
	for _, thread in ipairs(threads) do
		bad = bad + thread:get("wrong")
	end
	local e = summary.errors
	io.write(string.format('{"requests": %d, "errors": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d}\n',
		summary.requests, bad + e.connect + e.read + e.write, summary.duration / 1e6,
		latency:percentile(50), latency:percentile(99)))
end
