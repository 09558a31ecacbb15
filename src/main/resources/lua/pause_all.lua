-- pause_all: the global pause of a shard: while it is set, claims return no tasks.
-- ARGV   now, '1' to pause or '0', the number of this change. A lower one than before is ignored: a later change overtook it
-- REPLY  'done'
--@include lib/base
--@include lib/wake
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if tonumber(ARGV[3]) < tonumber(call('HGET', KEYS[1], 'pause_change') or 0) then return 'done' end
call('HSET', KEYS[1], 'paused', ARGV[2], 'pause_change', ARGV[3])
if ARGV[2] ~= '1' then wake() end
return 'done'
