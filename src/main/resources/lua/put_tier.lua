-- put_tier: makes or changes a tier; its clients may have room again.
-- ARGV   now, tier, max_concurrent, requests_per_min
-- REPLY  'done'
--@include lib/base
--@include lib/wake
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
call('HSET', P .. 'tiers', ARGV[2], ARGV[3] .. ':' .. ARGV[4])
wake()
return 'done'
