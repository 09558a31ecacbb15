-- trim_done: frees memory: drops the oldest succeeded and cancelled tasks of a queue, as many as one call may.
-- ARGV   now, n
-- REPLY  how many
--@include lib/base
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/finish
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 0 end
local dropped = 0
while spend(2) and trim_oldest(q, 'done') do dropped = dropped + 1 end
return dropped
