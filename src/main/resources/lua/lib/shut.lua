-- shut: gates that refused a task of this shard. `shut` holds each, by when their home is to be asked again, though it should
-- announce room sooner (gates.lua). A gate is 'q:' and a queue's number, or 'h:' and a host; `rooms` holds how many tasks for a host
-- may still be tried, as `room` does for a queue (lib/queue). 'b:' and a host with its port is a breaker for which tasks wait, by when tend
-- is to look at it.
local ASK_AGAIN_MS = 3000

local function shut(gate, wait_ms)
  call('ZADD', P .. 'shut', 'LT', text(now + wait_ms), gate)
end
