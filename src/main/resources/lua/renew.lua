-- renew: a worker lists each task that is running there, at most 250, and renews their leases. Other leases expire.
-- ARGV   now, worker (8 bytes), lease_ms, then for each task: id, claim
-- REPLY  for each that must no longer run there: id, claim, 'lost' or 'cancelled'
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/close
local worker, lease_ms = ARGV[2], tonumber(ARGV[3])
local FIRST = 4
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

-- A failover lost the claim, and the task still waits: it becomes active again, as before.
local function take_up(id, t, claim)
  local q, c = queue(t.n), client(t.owner)
  if not q or q.gen ~= t.gen or not c then return false end
  take_out(q, id, t)
  t.state, t.flags = 'a', 0
  remember_claim(t, claim, worker)
  write_head(id, t)
  q.running, c.running, c.dirty, q.dirty = q.running + 1, c.running + 1, true, true
  serve(q)
  return true
end

local keep, ended = {}, {}
for at = FIRST, #ARGV, 2 do
  local id, claim = ARGV[at], tonumber(ARGV[at + 1])
  local t = read_task(id)
  if t and t.state == 'a' and t.claim == claim and t.worker == worker then
    keep[#keep + 1], keep[#keep + 2] = now + lease_ms, id
    if t.flags % 2 == CANCELLING then
      ended[#ended + 1], ended[#ended + 2], ended[#ended + 3] = id, ARGV[at + 1], 'cancelled'
    end
  elseif t and waits(t) and claim > t.claim and take_up(id, t, claim) then
    keep[#keep + 1], keep[#keep + 2] = now + lease_ms, id
  else
    ended[#ended + 1], ended[#ended + 2], ended[#ended + 3] = id, ARGV[at + 1], 'lost'
  end
end
if #keep > 0 then call('ZADD', P .. 'leases', unpack(keep)) end
close()
return ended
