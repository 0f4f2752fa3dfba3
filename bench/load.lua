-- The requests of wrk: without a file always the one URL, else the file's lines in turn.
-- Arguments: the method, FILE or "", "paths", "bodies" or "body" (the whole file, with each request), "once" or "again", the mean pause of a connection in ms, a seed, and a text that no response may contain, or "".
local ffi = require("ffi")
ffi.cdef("int kill(int pid, int number); int getpid(void);")
local SIGINT = 2
local threads = {}
amiss = 0

function setup(thread)
  threads[#threads + 1] = thread
end

local function lines_of(file)
  local lines = {}
  for line in io.lines(file) do
    lines[#lines + 1] = line
  end
  return lines
end

local function walk(lines, are_bodies, once)
  local asked = 0
  return function()
    if asked == #lines then
      asked = 0
      if once then
        -- No line may repeat: makes wrk end now, as at Ctrl-C, and report the requests so far.
        wrk.thread:stop()
        ffi.C.kill(ffi.C.getpid(), SIGINT)
      end
    end
    asked = asked + 1
    if are_bodies then
      return wrk.format(nil, nil, nil, lines[asked])
    end
    return wrk.format(nil, lines[asked])
  end
end

function init(args)
  local file, kind, repeats, pause, seed = args[2], args[3], args[4], tonumber(args[5]), tonumber(args[6])
  local unwanted = args[7]
  wrk.method = args[1]
  if unwanted ~= "" then
    function response(status, headers, body)
      if body:find(unwanted, 1, true) then
        amiss = amiss + 1
      end
    end
  end
  if kind == "body" then
    wrk.body = io.open(file, "rb"):read("*a")
  elseif file ~= "" then
    request = walk(lines_of(file), kind == "bodies", repeats == "once")
  end
  if pause > 0 then
    math.randomseed(seed)
    -- Exponential, so that requests arrive as from many independent clients.
    function delay()
      return math.floor(-math.log(1 - math.random()) * pause + math.random())
    end
  end
end

function done(summary, latency)
  local failed, refused = summary.errors, 0
  for _, thread in ipairs(threads) do
    refused = refused + thread:get("amiss")
  end
  io.write(string.format(
    "result %d %d %d %d %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    failed.status + refused, failed.connect + failed.read + failed.write + failed.timeout))
end
