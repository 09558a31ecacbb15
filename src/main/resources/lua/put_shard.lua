-- put_shard: the facts of a shard that a program sets when it starts: its format, and how long a finished head stays hidden.
-- ARGV   now, format, hide_ms, then tiers that must exist: name, limits, …
-- REPLY  'done', or the format that is there and is newer
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local FORMAT = tonumber(ARGV[2])
local there = tonumber(call('HGET', KEYS[1], 'format') or 0)
if there > FORMAT then return there end
call('HSET', KEYS[1], 'format', FORMAT, 'hide_ms', ARGV[3])
for at = 4, #ARGV, 2 do call('HSETNX', P .. 'tiers', ARGV[at], ARGV[at + 1]) end
return 'done'
