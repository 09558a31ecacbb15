-- due_schedules: the schedules whose tick has come, at most 100 a call.
-- ARGV   now
-- REPLY  now, ms when the next of the others comes (-1: there is none), then for each that is due: name, its hash
--@include lib/base
local names = call('ZRANGEBYSCORE', P .. 'schedules', '-inf', now, 'LIMIT', 0, 100)
local following = call('ZRANGEBYSCORE', P .. 'schedules', '(' .. now_text, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local reply = { now, #names == 100 and now or tonumber(following) or -1 }
for _, name in ipairs(names) do
  reply[#reply + 1], reply[#reply + 2] = name, call('HGETALL', P .. 'schedule:' .. name)
end
return reply
