-- put_queue: creates a queue, or replaces its settings.
-- ARGV   now, n, then the fields of `flow` that can be set, name and value alternately; an empty value is none
-- REPLY  1 when it was created, 0 when it existed
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/put_queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local n = tonumber(ARGV[2])
local there = queue(n)
put_queue(n, 0, 3) -- a number is never given twice, so nothing of a past queue carries it
return there and 0 or 1
