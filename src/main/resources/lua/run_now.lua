-- run_now: makes a scheduled or retrying task ready now.
-- ARGV   now, id
-- REPLY  'done', 'missing', or the letter of a state that does not allow it
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/alive
--@include lib/run_now
--@include lib/close
local id = ARGV[2]
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local t = read_task(id)
local state = t and visible_state(t)
if not state then return 'missing' end
if state ~= 's' and state ~= 't' then return state end
local q = queue(t.n)
run_now(q, id, t)
serve(q)
close(true)
return 'done'
