-- leave: a worker stops claiming; another takes over watching due times.
-- ARGV   now, worker (hex)
-- REPLY  'done'
--@include lib/base
--@include lib/wake
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
call('ZREM', P .. 'idle', ARGV[2])
if shard().keeper == ARGV[2] then
  shard().keeper, shard().keeper_at, shard().dirty = '', NEVER, true
end
flush_shard()
wake()
return 'done'
