-- keep_permits: permits whose tasks still run are kept, in their home; also those that a failover forgot.
-- ARGV   now, what, lease_ms, then the permits
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local permits, lease_ms = P .. 'permits:' .. ARGV[2], tonumber(ARGV[3])
for at = 4, #ARGV do call('ZADD', permits, now + lease_ms, ARGV[at]) end
call('PEXPIRE', permits, lease_ms * 2)
return 'done'
