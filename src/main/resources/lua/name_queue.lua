-- name_queue: gives a queue's name its number, which is never given to another. KEYS here are the configuration's.
-- ARGV   now, name
-- REPLY  the number
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local n = call('HGET', P .. 'queues', ARGV[2])
if not n then
  n = call('INCR', P .. 'queues:last')
  call('HSET', P .. 'queues', ARGV[2], n)
  call('INCR', P .. 'version')
end
return tonumber(n)
