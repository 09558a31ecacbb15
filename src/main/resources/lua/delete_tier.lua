-- delete_tier: deletes a tier. Its revision is kept for a day, so that an earlier change that arrives late is ignored.
-- ARGV   now, tier, the revision of this change
-- REPLY  'done', 'missing', or 'overtaken' by a later change
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local name, revision = ARGV[2], ARGV[3]
if tonumber(revision) < tonumber(call('HGET', P .. 'tiers:rev', name) or 0) then return 'overtaken' end
call('HDEL', P .. 'tiers:rev', name)
call('SET', P .. 'tier:' .. name .. ':rev', revision, 'PX', 86400000)
return call('HDEL', P .. 'tiers', name) == 1 and 'done' or 'missing'
