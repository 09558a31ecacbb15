-- forget_queue: a queue's name is free again, unless the queue was changed after its deletion was decided. KEYS here are the
--   configuration's.
-- ARGV   now, name, its number, the revision of the deletion
-- REPLY  'done', or 'overtaken'
--@include lib/base
--@include lib/decided
--@include lib/forget_series
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if decided('queue:' .. ARGV[2]) > tonumber(ARGV[4]) then
  if call('HGET', P .. 'queues', ARGV[2]) == ARGV[3] then return 'overtaken' end
  return 'done' -- another has the name
end
if call('HGET', P .. 'queues', ARGV[2]) == ARGV[3] then call('HDEL', P .. 'queues', ARGV[2]) end
forget_series(ARGV[3])
call('INCR', P .. 'version')
return 'done'
