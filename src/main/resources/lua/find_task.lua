-- find_task: a task of Cloud Tasks.
-- ARGV   now, n of its queue, digest of its name, the id that the name stands for if it was given none, or ''
-- REPLY  'task', id, record; or 'over', 'nothing' or 'no_queue'
--@include lib/base
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/cloud
--@include lib/alive
--@include lib/find
local id, t = find(tonumber(ARGV[2]), ARGV[3], ARGV[4])
if not id then return { t } end
return { 'task', id, t.raw }
