-- make_queue: creates a queue of Cloud Tasks, in its only shard.
-- ARGV   now, n, a word unique to this call, then the fields of `flow` that can be set, name and value alternately
-- REPLY  'made', also when the same call is repeated; 'exists'
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/put_queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local n, maker = tonumber(ARGV[2]), ARGV[3]
if queue(n) then return call('HGET', queue(n).flow, 'maker') == maker and 'made' or 'exists' end
put_queue(n, math.floor(now / 1000), 4) -- a number may come back when a deletion was broken off, a second does not
call('HSET', queue(n).flow, 'maker', maker)
return 'made'
