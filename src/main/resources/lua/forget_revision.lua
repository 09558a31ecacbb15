-- forget_revision: a thing is gone, or its change was not carried out; unless another was decided since. KEYS here are the
--   configuration's.
-- ARGV   now, its field, the revision
-- REPLY  'done'
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local value = call('HGET', P .. 'revisions', ARGV[2])
if value and string.match(value, '^(%d+):') == ARGV[3] then call('HDEL', P .. 'revisions', ARGV[2]) end
return 'done'
