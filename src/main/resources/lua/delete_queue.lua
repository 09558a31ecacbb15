-- delete_queue: deletes a queue. Waiting and finished tasks are drained by `tidy`; running ones are deleted when they end.
-- ARGV   now, n
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
q.paused, q.due_dirty = true, true
serve(q)
call('ZREM', P .. 'timers', q.n)
call('ZREM', P .. 'closing', q.n)
call('RPUSH', P .. 'drain', 'waiting:' .. q.n .. ':' .. q.gen, 'over:' .. q.n .. ':dead', 'over:' .. q.n .. ':done')
call('DEL', q.flow)
flush_shard()
return 'done'
