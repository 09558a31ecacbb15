-- note_change: records a change of several steps before it is carried out, so that it is finished even if its process dies. KEYS here
--   are the configuration's.
-- ARGV   now, the thing that is changed, the revision of the change, its steps
-- REPLY  'done', or 'overtaken' by a later change
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local before = call('HGET', P .. 'changes', ARGV[2])
if before and unpack_struct('>I6', before) > tonumber(ARGV[3]) then return 'overtaken' end
call('HSET', P .. 'changes', ARGV[2], pack('>I6I6', tonumber(ARGV[3]), now) .. ARGV[4])
return 'done'
