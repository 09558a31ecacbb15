-- purge_queue: drops the waiting tasks of a queue in one step, by incrementing its generation; `tidy` deletes the keys afterwards.
-- ARGV   now, n, the number of this change, or ''. It is done once
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
if ARGV[3] ~= '' then
  if tonumber(ARGV[3]) <= tonumber(call('HGET', q.flow, 'purge_change') or 0) then return 'done' end
  call('HSET', q.flow, 'purge_change', ARGV[3])
end
serve(q) -- so that it is known whether it is busy
call('RPUSH', P .. 'drain', 'waiting:' .. q.n .. ':' .. q.gen)
q.gen = q.gen + 1
q.base = P .. 'queue:' .. q.n .. '.' .. q.gen .. ':'
call('HSET', q.flow, 'gen', q.gen, 'purged', now)
call('HDEL', q.flow, 'brief')
q.first, q.ready, q.retry, q.due_dirty, q.dirty = NEVER, 0, 0, true, true
serve(q)
flush_queues()
flush_shard()
return 'done'
