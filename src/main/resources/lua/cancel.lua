-- cancel: calls a task off. One that waits is over; one that runs is cut off by its worker, which is told here.
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
--@include lib/close
local id = ARGV[2]
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local t = read_task(id)
local state = t and visible_state(t)
if not state then return 'missing' end
if state == 'k' or state == 'd' or state == 'c' then return state end
local q = queue(t.n)
if state == 'a' then
  t.flags = t.flags + CANCELLING
  write_head(id, t)
  local worker = string.gsub(t.worker, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  call('PUBLISH', P .. 'wake:' .. worker, 'cancel' .. id)
else
  take_out(q, id, t)
  finish(q, id, t, 'c')
end
close()
return 'done'
