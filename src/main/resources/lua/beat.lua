-- beat: the heartbeat of a worker, or its removal; workers without a recent heartbeat are removed. KEYS here are the
-- configuration's.
-- ARGV   now, worker (hex), its description, or '' when it stops, ms after which one is removed
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local beats, facts = P .. 'workers', P .. 'workers:facts'
for _, id in ipairs(call('ZRANGEBYSCORE', beats, '-inf', now - tonumber(ARGV[4]))) do
  call('ZREM', beats, id)
  call('HDEL', facts, id)
end
if ARGV[3] == '' then
  call('ZREM', beats, ARGV[2])
  call('HDEL', facts, ARGV[2])
else
  call('ZADD', beats, now, ARGV[2])
  call('HSET', facts, ARGV[2], ARGV[3])
end
return 'done'
