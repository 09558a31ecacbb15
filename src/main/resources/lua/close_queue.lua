-- close_queue: an empty queue accepts no more tasks until it is deleted, reopened, or the time has passed; its pause is kept.
-- ARGV   now, n, ms that it stays closed, or '0' to open it
-- REPLY  'done', 'missing', or 'full'
--@include lib/base
--@include lib/queue
--@include lib/open_queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q, closed_ms = queue(tonumber(ARGV[2])), tonumber(ARGV[3])
if not q then return 'missing' end
if closed_ms == 0 then
  open_queue(q.n)
  return 'done'
end
local waiting = q.ready + call('ZCARD', q.base .. 'due')
if waiting + q.running + call('ZCARD', P .. 'queue:' .. q.n .. ':dead') > 0 then return 'full' end
if not q.closed then
  call('HSET', q.flow, 'paused', CLOSED .. (call('HGET', q.flow, 'paused') or '0'))
  call('HDEL', q.flow, 'brief')
end
call('ZADD', P .. 'closing', now + closed_ms, q.n)
return 'done'
