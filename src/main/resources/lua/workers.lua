-- workers: the live workers. KEYS here are the configuration's.
-- ARGV   now, ms after which one is removed
-- REPLY  now, then for each: worker (hex), its description, its last heartbeat
--@include lib/base
local reply = { now }
local beats = call('ZRANGEBYSCORE', P .. 'workers', now - tonumber(ARGV[2]) + 1, '+inf', 'WITHSCORES')
for i = 1, #beats, 2 do
  local facts = call('HGET', P .. 'workers:facts', beats[i])
  if facts then reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = beats[i], facts, tonumber(beats[i + 1]) end
end
return reply
