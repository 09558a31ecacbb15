-- schedules: some schedules, with everything that is kept of them; as many as the budget lets through, at least one.
-- ARGV   now, then names
-- REPLY  now, how many of the names were examined, then for each that exists: name, its hash, results of its last ticks
--@include lib/base
--@include lib/budget
local reply = { now, 0 }
for at = 2, #ARGV do
  local key = P .. 'schedule:' .. ARGV[at]
  local hash, bytes = call('HGETALL', key), 0
  for i = 2, #hash, 2 do bytes = bytes + #hash[i] end
  if #hash > 0 then
    reply[#reply + 1], reply[#reply + 2] = ARGV[at], hash
    reply[#reply + 1] = call('LRANGE', key .. ':runs', 0, -1)
  end
  reply[2] = at - 1
  if not spend(20, bytes) then break end
end
return reply
