-- claim: gives a worker the next tasks, each under a lease. Repeated with an equal request number it returns the same result, less
-- the tasks that the worker no longer holds. Due, lost or readmitted tasks are made ready by `tend`.
-- ARGV   now, worker (hex), worker (8 bytes), request number, slots (0: heartbeat only), lease_ms, slots for tasks that RunTask requested
-- REPLY  word ('claims', or 'refused' for an old request number), now, ms until this worker should look again (-1: about a
--        second), ms until `tend` is due (-1: unknown), again ('1': there may be more at once), queues (n,
--        name, policy, …), tasks (id, record, …), sum of the weights of queues that can be served, clients among the tasks' whose
--        requests are signed (client, version of its secrets, …), gates that a task must pass (id, gate, …), gates that tasks
--        still wait for (gate, how many, …), tasks trimmed from `done` and `dead`, breakers that changed (host, word, ms until its
--        next probe, …)
--@include lib/base
--@include lib/budget
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/hosts
--@include lib/breaker
local worker, worker_bytes, request, slots = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local lease_ms, express_slots = tonumber(ARGV[6]), tonumber(ARGV[7])
local KEPT_MS = 86400000 -- longer than any outage that a repeated claim should survive
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
--@include lib/choose
--@include lib/give
--@include lib/serve_owner
--@include lib/express
--@include lib/keeper
--@include lib/close

local function answer(wait, timer, again)
  return { 'claims', now, wait, timer < NEVER and math.max(0, timer - now) or -1, again and '1' or '0', queue_facts, tasks,
    shard().weights, signed, gated, dry, trimmed_done, trimmed_dead, breaker_changes }
end

local function repeat_answer(before)
  for at = 1, #before, 22 do
    local id, claim = string.sub(before, at, at + 15), unpack_struct('>I6', before, at + 16)
    local raw = call('GET', P .. 'task:' .. id)
    local t = raw and parse(raw)
    -- A running task of a deleted queue cannot be described: its lease expires.
    if t and t.state == 'a' and t.claim == claim and t.worker == worker_bytes and queue(t.n) then
      hand_over(id, t, raw)
    end
  end
  return answer(0, now, true)
end

-- Fills the slots. Returns whether some are left when nothing else can start.
local function fill()
  load_line()
  while #tasks / 2 < slots and budget_left > 0 do
    local i = choose()
    if i then
      local q = line[i]
      if q.rate and not q.gated and not q.owners then refill(q) end
      local owner = next_owner(q)
      if owner then serve_owner(q, owner) end
      settle_line(i, owner and has_room(q) and (q.gated or not q.rate or q.tokens >= 1) and next_owner(q) ~= nil)
    elseif line_whole then
      return true
    else
      flush_line()
      load_line()
    end
  end
  return #tasks / 2 < slots and budget_left > 0
end

local before = call('HMGET', P .. 'worker:' .. worker, 'request', 'given')
local last = tonumber(before[1]) or -1
if request < last then return { 'refused' } end
if request == last then return repeat_answer(before[2]) end

local short, again = slots > 0, false
if not shard().paused then
  running_all = call('ZCARD', P .. 'leases')
  take_express(express_slots)
  slots = slots + #tasks / 2
  if slots > #tasks / 2 then
    short = fill()
    flush_line()
    again = budget_left <= 0
  end
end
if at_close then again = at_close() or again end
keep_leases()
call('HSET', P .. 'worker:' .. worker, 'request', request, 'given', table.concat(given))
if request % 64 == 0 or not before[1] then call('PEXPIRE', P .. 'worker:' .. worker, KEPT_MS) end
local timer = next_timer()
local wait = keep_time(short and not again, timer)
if ((wake_wanted or keeper_late) and not short) or (slots > 0 and not short and call('EXISTS', P .. 'busy') == 1) then wake() end
write_back()
return answer(wait, timer, again)
