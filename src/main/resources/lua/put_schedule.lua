-- put_schedule: creates a schedule or replaces its settings; its history is kept.
-- ARGV   now, name, the tick it waits for and when that comes (ms; '' for both: it is paused), '1' to wait on for the tick that
--        it waits for already, if its rhythm is the same; then fields of its hash, name and value alternately; an empty value is none.
--        Of a lower 'rev' than the current one nothing is applied: a later change overtook it
-- REPLY  1 when it was created, 0 when it existed
--@include lib/base
local name, next_tick, comes, keep = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local key = P .. 'schedule:' .. name
local fields, gone = {}, {}
for at = 6, #ARGV, 2 do
  if ARGV[at] == 'rev' and tonumber(ARGV[at + 1]) < tonumber(call('HGET', key, 'rev') or 0) then return 0 end
  if ARGV[at + 1] == '' then gone[#gone + 1] = ARGV[at] else fields[#fields + 1], fields[#fields + 2] = ARGV[at], ARGV[at + 1] end
end
local before = call('HMGET', key, 'created', 'rhythm', 'next', 'comes')
call('HSET', key, 'created', before[1] or now_text, 'updated', now_text, unpack(fields))
if #gone > 0 then call('HDEL', key, unpack(gone)) end
if keep and before[3] and before[2] == call('HGET', key, 'rhythm') then next_tick, comes = before[3], before[4] end
if next_tick == '' then
  call('HDEL', key, 'next', 'comes')
  call('ZREM', P .. 'schedules', name)
else
  call('HSET', key, 'next', next_tick, 'comes', comes)
  call('ZADD', P .. 'schedules', comes, name)
end
return before[1] and 0 or 1
