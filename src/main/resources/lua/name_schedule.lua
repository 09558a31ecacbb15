-- name_schedule: stores the client of a schedule in the configuration, or removes the schedule. KEYS here are the configuration's.
-- ARGV   now, name, client ('': the schedule was deleted)
-- REPLY  'done'
--@include lib/base
local name, client = ARGV[2], ARGV[3]
-- A member is the name, a zero byte and the client: it is found by its name, and they are ordered by name.
local names = P .. 'schedules'
for _, before in ipairs(call('ZRANGEBYLEX', names, '[' .. name .. '\0', '(' .. name .. '\1')) do call('ZREM', names, before) end
if client ~= '' then call('ZADD', names, 0, name .. '\0' .. client) end
return 'done'
