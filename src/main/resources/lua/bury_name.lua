-- bury_name: the two ends of the deletion of a queue of Cloud Tasks: its name is marked before, and free or reserved for a while
-- after. KEYS here are the configuration's.
-- ARGV   now, 'begin' or 'end', name, number
-- REPLY  'done', or 'missing' when the name has another number by now, or none
--@include lib/base
--@include lib/forget_series
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local name, n, KEPT_MS = ARGV[3], ARGV[4], 31 * 86400000
local named = call('HGET', P .. 'queues', name) == n
if ARGV[2] == 'begin' then
  if named then call('HSET', P .. 'queues:dying', name, n) end
elseif named then
  call('HDEL', P .. 'queues', name)
  call('HDEL', P .. 'queues:dying', name)
  forget_series(n)
  call('ZADD', P .. 'queues:deleted', now, name)
  call('ZREMRANGEBYSCORE', P .. 'queues:deleted', '-inf', now - KEPT_MS)
  call('INCR', P .. 'version')
end
return named and 'done' or 'missing'
