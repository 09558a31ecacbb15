-- end_change: a change was carried out, or is dropped. KEYS here are the configuration's.
-- ARGV   now, the thing, the revision, '1' when its revision is not kept either: it was deleted, or was not changed
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local noted = call('HGET', P .. 'changes', ARGV[2])
if noted and unpack_struct('>I6', noted) == tonumber(ARGV[3]) then call('HDEL', P .. 'changes', ARGV[2]) end
local value = ARGV[4] == '1' and call('HGET', P .. 'revisions', ARGV[2])
if value and string.match(value, '^(%d+):') == ARGV[3] then call('HDEL', P .. 'revisions', ARGV[2]) end
return 'done'
