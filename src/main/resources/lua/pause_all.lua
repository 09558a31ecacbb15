-- pause_all: the one big switch of a shard: while it is set, claims give nothing.
-- ARGV   now, '1' to hold or '0'
-- REPLY  'done'
--@include lib/base
--@include lib/wake
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
call('HSET', KEYS[1], 'paused', ARGV[2])
if ARGV[2] ~= '1' then wake() end
return 'done'
