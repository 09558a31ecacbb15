-- due_schedules: the schedules with a due tick, at most 100 per call.
-- ARGV   now, how many of the first to skip: their ticks cannot be done now
-- REPLY  now, ms when the next of the others comes (-1: there is none), then for each that is due: name, its rhythm, catch_up,
--        next, created, queue
--@include lib/base
local passed = tonumber(ARGV[2])
local names = call('ZRANGEBYSCORE', P .. 'schedules', '-inf', now, 'LIMIT', passed, 100)
local following = call('ZRANGEBYSCORE', P .. 'schedules', '(' .. now_text, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local reply = { now, tonumber(following) or -1 }
for _, name in ipairs(names) do
  reply[#reply + 1] = name
  for _, field in ipairs(call('HMGET', P .. 'schedule:' .. name, 'rhythm', 'catch_up', 'next', 'created', 'queue')) do
    reply[#reply + 1] = field or ''
  end
end
return reply
