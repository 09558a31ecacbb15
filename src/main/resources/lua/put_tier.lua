-- put_tier: creates or changes a tier; its clients may have room again.
-- ARGV   now, tier, max_concurrent, requests_per_min, the revision of this change
-- REPLY  'done', also when a later change overtook it
--@include lib/base
--@include lib/wake
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local rev = call('HGET', P .. 'tiers:rev', ARGV[2]) or call('GET', P .. 'tier:' .. ARGV[2] .. ':rev')
if tonumber(ARGV[5]) < tonumber(rev or 0) then return 'done' end
call('HSET', P .. 'tiers:rev', ARGV[2], ARGV[5])
call('HSET', P .. 'tiers', ARGV[2], ARGV[3] .. ':' .. ARGV[4])
call('RPUSH', P .. 'unparking', 't:')
wake()
return 'done'
