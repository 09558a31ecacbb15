-- revive: restarts a dead task, with its attempts reset.
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
--@include lib/revive
--@include lib/close
local id = ARGV[2]
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local t = read_task(id)
local state = t and visible_state(t)
if not state then return 'missing' end
local q = queue(t.n)
if state ~= 'd' or not q then return state end
if not revive(q, id, t) then return 'missing' end
serve(q)
close(true)
return 'done'
