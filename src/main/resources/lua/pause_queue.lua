-- pause_queue: pauses or resumes a queue; running tasks continue.
-- ARGV   now, n, '1' to pause or '0', the number of this change, or ''. A lower one than before is ignored: a later change overtook it
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/wake
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
if ARGV[4] ~= '' then
  if tonumber(ARGV[4]) < tonumber(call('HGET', q.flow, 'pause_change') or 0) then return 'done' end
  call('HSET', q.flow, 'pause_change', ARGV[4])
end
call('HSET', q.flow, 'paused', (q.closed and CLOSED or '') .. ARGV[3])
call('HDEL', q.flow, 'brief')
q.paused = q.closed or ARGV[3] == '1'
local open = serve(q)
flush_queues()
flush_shard()
if open or keeper_late then wake() end
return 'done'
