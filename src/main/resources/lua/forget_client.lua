-- forget_client: removes the keys and the secrets of a client that is being deleted. KEYS here are the configuration's.
-- ARGV   now, client, the revision of the deletion
-- REPLY  'done', or 'overtaken' by a later change
--@include lib/base
--@include lib/decided
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id = ARGV[2]
if decided('client:' .. id) > tonumber(ARGV[3]) then return 'overtaken' end
for _, digest in ipairs(call('HVALS', P .. 'keys:' .. id)) do call('HDEL', P .. 'keys', digest) end
call('DEL', P .. 'keys:' .. id)
call('HDEL', P .. 'signing', id)
return 'done'
