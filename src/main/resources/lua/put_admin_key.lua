-- put_admin_key: makes a named key of an admin, in place of another of that name. KEYS here are the configuration's.
-- ARGV   now, name, digest, 'r' for one that is read-only or '', how many there may be
-- REPLY  'done', or 'full' when there are as many of other names
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local keys, name, most = P .. 'admin_keys', ARGV[2], tonumber(ARGV[5])
if call('HEXISTS', keys, name) == 0 and call('HLEN', keys) >= most then return 'full' end
call('HSET', keys, name, ARGV[3] .. ':' .. text(math.floor(now / 1000)) .. ':' .. ARGV[4])
return 'done'
