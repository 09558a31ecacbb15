-- end_operation: ends an operation in this shard; its counts are kept for a while.
-- ARGV   now, operation, ms that it is kept
-- REPLY  done, failed, skipped, ids of the first 10 done
--@include lib/base
local key = P .. 'operation:' .. ARGV[2]
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
call('HSET', key, 'stopped', 1)
call('PEXPIRE', key, ARGV[3])
local f = call('HMGET', key, 'done', 'failed', 'skipped', 'sample')
return { tonumber(f[1]) or 0, tonumber(f[2]) or 0, tonumber(f[3]) or 0, f[4] or '' }
