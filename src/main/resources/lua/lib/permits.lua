-- permits: leave to run tasks of a queue, or tasks that go to a host, given out in one place for all shards: the home of the queue, or
-- of the host. A permit is a place among those that may run and a token of the rate. It runs out unless it is kept or given back.
-- `what` names it: a queue's number, or 'h:' and a host; `permits:<what>` holds permit -> when it runs out; `wanting:<what>` who got
-- too few for want of places -> until when. The limits of a host, and its tokens, are in `host:<host>`.
local host_flow, host_limits

local function limits_of(what)
  if string.sub(what, 1, 2) ~= 'h:' then return queue(tonumber(what)) end
  host_flow = P .. 'host:' .. string.sub(what, 3)
  local f = call('HMGET', host_flow, 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at')
  if not f[1] and not f[2] then return nil end
  host_limits = { max_concurrent = tonumber(f[1]) or NEVER, rate = tonumber(f[2]), burst = tonumber(f[3]),
    tokens = tonumber(f[4]) or 0, tokens_at = tonumber(f[5]) or 0 }
  return host_limits
end

local function flush_limits()
  flush_queues()
  if host_limits and host_limits.dirty then
    call('HSET', host_flow, 'tokens', host_limits.tokens, 'tokens_at', text(host_limits.tokens_at))
  end
end
