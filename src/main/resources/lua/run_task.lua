-- run_task: begins an attempt of a task of Cloud Tasks now, past its time, the limits and the pause of its queue: it is active,
-- held by no worker, until one takes it off `express`. A running one is unchanged.
-- ARGV   now, n of its queue, digest of its name, the id that the name stands for if it was given none, or ''
-- REPLY  'task', id, record; or 'over', 'nothing' or 'no_queue'
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/cloud
--@include lib/turns
--@include lib/alive
--@include lib/find
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id, t = find(tonumber(ARGV[2]), ARGV[3], ARGV[4])
if not id then return { t } end
if not waits(t) then return { 'task', id, t.raw } end
take_out(queue(t.n), id, t)
set_due(t, now)
t.state, t.flags, t.worker, t.claim = 'a', 0, NOBODY, math.max(t.claim + 1, now)
t.attempts = math.min(t.attempts + 1, 65535)
if t.first == 0 then t.first = now end
begin_attempt(t, now, now)
write_head(id, t)
call_for(id)
close()
return { 'task', id, call('GET', P .. 'task:' .. id) }
