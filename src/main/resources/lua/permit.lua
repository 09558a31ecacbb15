-- permit: gives out permits.
-- ARGV   now, what, who asks (shard and worker), lease_ms, then the permits that are wanted
-- REPLY  how many of them are given, from the first on; ms until there is another token (-1: it is not for want of one)
--@include lib/base
--@include lib/queue
--@include lib/permits
local what, who, lease_ms = ARGV[2], ARGV[3], tonumber(ARGV[4])
local FIRST, WANTING_MS = 5, 3000
local limits, out, wanting = limits_of(what), P .. 'permits:' .. what, P .. 'wanting:' .. what
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
call('ZREM', wanting, who)
if not limits or limits.paused then return { 0, -1 } end
-- After an outage nothing runs out for a lease, as with tasks.
if now >= shard().grace then call('ZREMRANGEBYSCORE', out, '-inf', now) end
if limits.rate then refill(limits) end

local running, given = call('ZCARD', out), 0
for at = FIRST, #ARGV do
  if not call('ZSCORE', out, ARGV[at]) then -- else the same call again, after an unknown result
    if running >= limits.max_concurrent or (limits.rate and limits.tokens < 1) then break end
    call('ZADD', out, now + lease_ms, ARGV[at])
    running = running + 1
    if limits.rate then limits.tokens = limits.tokens - 1 end
  end
  given = given + 1
end
call('PEXPIRE', out, lease_ms * 2)
flush_limits()
if given == #ARGV - FIRST + 1 then return { given, -1 } end
if running < limits.max_concurrent then return { given, math.ceil((1 - limits.tokens) * 1000 / limits.rate) } end
call('ZADD', wanting, now + WANTING_MS, who)
call('PEXPIRE', wanting, WANTING_MS)
return { given, -1 }
