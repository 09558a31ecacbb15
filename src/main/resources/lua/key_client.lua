-- key_client: from now on a client must authenticate with a key; it no longer counts as auto-registered.
-- ARGV   now, client
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id = ARGV[2]
local key = P .. 'client:' .. id
call('HSET', key, 'keyed', 1)
call('HDEL', key, 'stranger', 'brief')
call('ZREM', P .. 'strangers', id)
return 'done'
