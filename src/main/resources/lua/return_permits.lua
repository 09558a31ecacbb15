-- return_permits: permits come back to a queue's home shard, and as many of those that want some are woken.
-- ARGV   now, n, then for each: permit, '1' when nothing was run under it, so that its token comes back too
-- REPLY  how many came back
--@include lib/base
--@include lib/queue
local q = queue(tonumber(ARGV[2]))
local FIRST, STRIDE = 3, 2
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if not q then return 0 end
if q.rate then refill(q) end

local returned = 0
for at = FIRST, #ARGV, STRIDE do
  if call('ZREM', P .. 'permits:' .. q.n, ARGV[at]) == 1 then
    returned = returned + 1
    if q.rate and ARGV[at + 1] == '1' then q.tokens = math.min(q.burst, q.tokens + 1) end
  end
end
flush_queues()
local wanting = P .. 'wanting:' .. q.n
for _ = 1, returned do
  local who = call('ZPOPMAX', wanting)
  if not who[1] or tonumber(who[2]) < now then break end
  local home, worker = string.match(who[1], '^(%d+):(.*)$')
  call('PUBLISH', string.match(P, '^(.-){') .. '{' .. home .. '}:wake:' .. worker, 'wake')
end
return returned
