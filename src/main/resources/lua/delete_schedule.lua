-- delete_schedule: deletes a schedule; its tasks are kept.
-- ARGV   now, name
-- REPLY  'done', or 'missing'
--@include lib/base
local key = P .. 'schedule:' .. ARGV[2]
call('ZREM', P .. 'schedules', ARGV[2])
return call('DEL', key, key .. ':runs') > 0 and 'done' or 'missing'
