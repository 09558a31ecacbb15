-- trim_done: makes room: drops the oldest succeeded and cancelled tasks of a queue, at most 500.
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
for dropped = 0, 499 do
  if not trim_oldest(q, 'done') then return dropped end
end
return 500
