-- pause_queue: holds what waits in a queue, or lets it go; what runs goes on.
-- ARGV   now, n, '1' to hold or '0'
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/wake
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
call('HSET', q.flow, 'paused', ARGV[3])
q.paused = ARGV[3] == '1'
local open = serve(q)
flush_queues()
flush_shard()
if open or keeper_late then wake() end
return 'done'
