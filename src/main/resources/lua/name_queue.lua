-- name_queue: gives a queue's name its number. KEYS here are the configuration's: {config}:shard and {config}:absent.
-- ARGV   now, name, the number that was found to be of no use, or ''
-- REPLY  the number
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local n = call('HGET', P .. 'queues', ARGV[2])
if not n or n == ARGV[3] then
  n = call('INCR', P .. 'queues:last')
  call('HSET', P .. 'queues', ARGV[2], n)
  call('INCR', P .. 'version')
end
return tonumber(n)
