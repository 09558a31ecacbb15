-- cancel: cancels a task. A waiting one ends; a running one is aborted by its worker, which is notified here.
-- ARGV   now, id
-- REPLY  'done', 'missing', or the letter of a state that does not allow it
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/alive
--@include lib/cancel
--@include lib/close
local id = ARGV[2]
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local t = read_task(id)
local state = t and visible_state(t)
if not state then return 'missing' end
if state == 'k' or state == 'd' or state == 'c' then return state end
cancel(queue(t.n), id, t)
close()
return 'done'
