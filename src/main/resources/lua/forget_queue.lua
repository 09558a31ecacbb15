-- forget_queue: a queue's name is free again, unless it was given to another meanwhile. KEYS here are the configuration's.
-- ARGV   now, name, its number
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if call('HGET', P .. 'queues', ARGV[2]) == ARGV[3] then call('HDEL', P .. 'queues', ARGV[2]) end
call('INCR', P .. 'version')
return 'done'
