-- drop_task: deletes a task of Cloud Tasks. A running attempt continues, without effect.
-- ARGV   now, n of its queue, digest of its name, the id that the name stands for if it was given none, or ''
-- REPLY  'task', id, record as it was; or 'over', 'nothing' or 'no_queue'
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/alive
--@include lib/find
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id, t = find(tonumber(ARGV[2]), ARGV[3], ARGV[4])
if not id then return { t } end
local before = t.raw
drop(queue(t.n), id, t)
close()
return { 'task', id, before }
