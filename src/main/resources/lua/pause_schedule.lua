-- pause_schedule: pauses a schedule, or resumes it with a tick.
-- ARGV   now, name, the tick that it is to wait for and when that comes (ms; '' for both: to pause it)
-- REPLY  'done', or 'missing'
--@include lib/base
local name, next_tick, comes = ARGV[2], ARGV[3], ARGV[4]
local key = P .. 'schedule:' .. name
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if call('HEXISTS', key, 'client') == 0 then return 'missing' end
if next_tick == '' then
  call('HDEL', key, 'next', 'comes')
  call('ZREM', P .. 'schedules', name)
elseif call('HEXISTS', key, 'next') == 0 then
  call('HSET', key, 'next', next_tick, 'comes', comes)
  call('ZADD', P .. 'schedules', comes, name)
end
return 'done'
