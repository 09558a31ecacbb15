-- close_queue: an empty queue lets nothing in any more, until it is deleted or opened again; its pause stays.
-- ARGV   now, n, '1' to close it or '0' to open it
-- REPLY  'done', 'missing', or 'full'
--@include lib/base
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
local paused = call('HGET', q.flow, 'paused') or '0'
if ARGV[3] == '0' then
  if q.closed then call('HSET', q.flow, 'paused', string.sub(paused, 2)) end
  return 'done'
end
local waiting = q.ready + call('ZCARD', q.base .. 'due')
if waiting + q.running + call('ZCARD', P .. 'queue:' .. q.n .. ':dead') > 0 then return 'full' end
if not q.closed then call('HSET', q.flow, 'paused', CLOSED .. paused) end
return 'done'
