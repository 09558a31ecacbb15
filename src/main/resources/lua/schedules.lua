-- schedules: some schedules, whole.
-- ARGV   now, then names
-- REPLY  now, then for each that is there: name, its hash, what became of its last ticks
--@include lib/base
local reply = { now }
for at = 2, #ARGV do
  local key = P .. 'schedule:' .. ARGV[at]
  local hash = call('HGETALL', key)
  if #hash > 0 then
    reply[#reply + 1], reply[#reply + 2] = ARGV[at], hash
    reply[#reply + 1] = call('LRANGE', key .. ':runs', 0, -1)
  end
end
return reply
