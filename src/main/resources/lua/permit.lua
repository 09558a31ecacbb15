-- permit: gives out permits to run tasks of a queue, in the queue's home shard, where its limits are held for all shards. A
-- permit is a place among those that may run and a token of the rate. It runs out unless it is kept or given back.
-- `permits:<n>` holds permit -> when it runs out; `wanting:<n>` who got too few for want of places -> until when.
-- ARGV   now, n, who asks (shard and worker), lease_ms, then the permits that are wanted
-- REPLY  how many of them are given, from the first on; ms until there is another token (-1: it is not for want of one)
--@include lib/base
--@include lib/queue
local q, who, lease_ms = queue(tonumber(ARGV[2])), ARGV[3], tonumber(ARGV[4])
local FIRST, WANTING_MS = 5, 3000
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if not q or q.paused then return { 0, -1 } end
local out, wanting = P .. 'permits:' .. q.n, P .. 'wanting:' .. q.n
-- After an outage nothing runs out for a lease, as with tasks.
if now >= shard().grace then call('ZREMRANGEBYSCORE', out, '-inf', now) end
if q.rate then refill(q) end

local running, given = call('ZCARD', out), 0
for at = FIRST, #ARGV do
  if not call('ZSCORE', out, ARGV[at]) then -- else the same call again, after an unknown result
    if running >= q.max_concurrent or (q.rate and q.tokens < 1) then break end
    call('ZADD', out, now + lease_ms, ARGV[at])
    running = running + 1
    if q.rate then q.tokens = q.tokens - 1 end
  end
  given = given + 1
end
call('PEXPIRE', out, lease_ms * 2)
flush_queues()
if given == #ARGV - FIRST + 1 then return { given, -1 } end
if running < q.max_concurrent then return { given, math.ceil((1 - q.tokens) * 1000 / q.rate) } end
call('ZADD', wanting, now + WANTING_MS, who)
call('PEXPIRE', wanting, WANTING_MS)
return { given, -1 }
