-- queue_stats: the contents of a queue.
-- ARGV   now, n
-- REPLY  scheduled, ready, active, retry, dead, succeeded, cancelled, due ms of the ready task that has waited longest (-1: none; of
--        the first 800 clients), now; nothing when there is no such queue
--@include lib/base
--@include lib/queue
--@include lib/budget
local q = queue(tonumber(ARGV[2]))
if not q then return {} end
local oldest = -1
for _, owner in ipairs(call('ZRANGE', q.base .. 'turns', 0, 999)) do
  if not spend(3) then break end
  local due = tonumber(call('ZRANGE', q.base .. 'ready:' .. owner, 0, 0, 'WITHSCORES')[2])
  if due and (oldest < 0 or due < oldest) then oldest = due end
end
local cancelled = tonumber(call('HGET', q.flow, 'cancelled') or 0)
return { call('ZCARD', q.base .. 'due') - q.retry, q.ready, q.running, q.retry,
  call('ZCARD', P .. 'queue:' .. q.n .. ':dead'), call('ZCARD', P .. 'queue:' .. q.n .. ':done') - cancelled, cancelled, oldest, now }
