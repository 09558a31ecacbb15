-- delete_client: a client is no more: its id is blocked, and what waits is called off, by raising its generation.
-- ARGV   now, client, the revision of this change, then the n of every queue, for `tidy` to walk
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/client
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id = ARGV[2]
local c = client(id)
if not c or c.on == 'x' then return 'missing' end
call('HSET', P .. 'client:' .. id, 'on', 'x', 'gen', (c.gen + 1) % 65536, 'updated', now, 'rev', ARGV[3])
call('HDEL', P .. 'client:' .. id, 'stranger', 'signing')
call('ZREM', P .. 'clients', id)
call('ZREM', P .. 'strangers', id)
for at = 4, #ARGV do call('RPUSH', P .. 'drain', 'client:' .. id .. ':' .. ARGV[at]) end
return 'done'
