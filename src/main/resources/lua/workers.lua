-- workers: those that are there. KEYS here are the configuration's.
-- ARGV   now, ms after which one is forgotten
-- REPLY  now, then for each: worker (hex), what it says of itself, when it last did
--@include lib/base
local reply = { now }
local beats = call('ZRANGEBYSCORE', P .. 'workers', now - tonumber(ARGV[2]) + 1, '+inf', 'WITHSCORES')
for i = 1, #beats, 2 do
  local facts = call('HGET', P .. 'workers:facts', beats[i])
  if facts then reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = beats[i], facts, tonumber(beats[i + 1]) end
end
return reply
