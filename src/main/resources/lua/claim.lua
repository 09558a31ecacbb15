-- claim: gives a worker the next tasks, each under a lease. Before it, what is due is made ready and ended leases are taken
-- back. Repeated with an equal request number it gives the same answer, less what is no longer the worker's.
-- ARGV   now, worker (hex), worker (8 bytes), request number, slots (0 only beats), lease_ms, default max_retries,
--        probes of a half-open breaker, ms that a breaker stays open, slots for tasks that RunTask called for, then for each
--        queue or host that permits are at hand for: n, or 'h:' and its name, and how many; for each such host 'n:' and its name,
--        and how many of them no claim was given before; for each host that is full 'f:' and its name, and 0
-- REPLY  word ('claims', or 'refused' for an old request number), now, ms until this worker should look again (-1: about a
--        second), again ('1': there may be more at once), recovered (id, n, dead), queues (n, name, policy, …), tasks (id,
--        record, …), tasks trimmed from `done` and `dead`, sum of the weights of queues that can be served, queues
--        and hosts that more permits are needed for (n or 'h:' and the name, tasks that wait for them, …), clients among the
--        tasks' whose requests are signed (client, version of its secrets, …), tasks that go to a host under a permit (id, 'h:'
--        and its name, …)
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/retry
--@include lib/breaker
--@include lib/release
--@include lib/reap
--@include lib/ready
--@include lib/choose
--@include lib/close
local worker, worker_bytes, request, slots = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local lease_ms, max_retries, probes_max, open_ms = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local EXPIRED, EXAMINED_MAX, BYTES_MAX = 8, 1000, 8 * 1024 * 1024
local HELD_LOOKS, HELD_A_TURN = 4, 10 -- to hold a task costs as much as to look at so many
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local lease_end, now_packed = text(now + lease_ms), pack('>I6', now)
local tasks, told, queue_facts, given, signed, under = {}, {}, {}, {}, {}, {}
local examined, bytes, leases = 0, 0, {}

-- What only hosts with limits need is made when there are some: each function costs its making in every call.
local hosts
local function load_hosts()
  if call('EXISTS', P .. 'hosts', P .. 'held') == 0 then return end
  --@include lib/hosts
  hosts = { limited = limited_host, at_hand = at_hand, is_full = is_full, hold = hold, pass_over = pass_over,
    let_back = let_back_all, want = want_permits }
end

local function hand_over(id, t, front_now, record)
  local q = queue(t.n)
  if q and not told[t.n] then
    told[t.n] = true
    queue_facts[#queue_facts + 1], queue_facts[#queue_facts + 2], queue_facts[#queue_facts + 3] = t.n, q.name, q.policy
  end
  local c = client(t.owner)
  if c and c.signing and not told[t.owner] then
    told[t.owner] = true
    signed[#signed + 1], signed[#signed + 2] = t.owner, c.signing
  end
  tasks[#tasks + 1], tasks[#tasks + 2] = id, '\1' .. front_now .. string.sub(record, 2 + #front_now)
  local host = hosts and hosts.limited(t)
  if host and not express(t) then under[#under + 1], under[#under + 2] = id, 'h:' .. host end
end

local function repeat_answer(before)
  load_hosts()
  for at = 1, #before, 22 do
    local id, claim = string.sub(before, at, at + 15), unpack_struct('>I6', before, at + 16)
    local raw = call('GET', P .. 'task:' .. id)
    local t = raw and parse(raw)
    -- What runs in a queue that is gone by now cannot be told whole: its lease runs out.
    if t and t.state == 'a' and t.claim == claim and t.worker == worker_bytes and queue(t.n) then
      hand_over(id, t, front(t), raw)
    end
  end
  return { 'claims', now, 0, '1', {}, queue_facts, tasks, 0, 0, shard().weights, {}, signed, under }
end

-- The task is this worker's from now on.
local function give(id, t)
  t.claim, t.worker = math.max(t.claim + 1, now), worker_bytes
  local front_now = front(t)
  call('SETRANGE', P .. 'task:' .. id, '1', front_now)
  hand_over(id, t, front_now, t.raw)
  leases[#leases + 1], leases[#leases + 2] = lease_end, id
  given[#given + 1] = id .. (t.claim == now and now_packed or pack('>I6', t.claim))
end

-- A queue had a turn.
local function charge(q)
  local s = shard()
  s.v = math.max(s.v, q.vt)
  q.vt = q.vt + 1 / q.weight
end

local function lease(q, c, id, t, probe)
  t.state, t.attempts, t.flags = 'a', math.min(t.attempts + 1, 65535), probe and PROBE or 0
  if t.first == 0 then t.first = now end
  if t.cloud then begin_attempt(t, now, 0) end
  give(id, t)
  q.running, c.running, running_all, bytes = q.running + 1, c.running + 1, running_all + 1, bytes + #t.raw
  c.dirty = true
  charge(q)
  if q.permits then
    permits[q.n] = permits[q.n] - 1
  elseif q.rate then
    q.tokens = q.tokens - 1
  end
end

local function put_off(q, id, t, at)
  t.state, t.due = t.attempts > 0 and 't' or 's', at
  write_head(id, t)
  make_due(q, id, t)
end

local function end_turn(q, o)
  if next_id(q, o, slots - #tasks / 2) then to_the_back(q, o) else leave_line(q, o) end
end

-- Tries the owner whose turn it is: it gets a slot, or is parked, or has nothing to start.
local function serve_owner(q, o)
  local c, held = client(o.id), 0
  if c and c.running >= c.max_concurrent then
    park(q, o)
    return
  end
  while examined < EXAMINED_MAX do
    examined = examined + 1
    local id = next_id(q, o, slots - #tasks / 2)
    if not id then
      leave_line(q, o)
      return
    end
    local raw = call('GET', P .. 'task:' .. id)
    local t = raw and parse(raw)
    local expires, own_concurrent
    if t and t.mask > 0 then expires, own_concurrent = own_settings(t) end
    if not t then
      take(q, o)
    elseif not c or c.gen ~= t.client_gen then
      take(q, o)
      finish(q, id, t, 'c')
    elseif expires and now >= expires then
      take(q, o)
      t.error, t.status = EXPIRED, 0
      finish(q, id, t, 'd')
    elseif own_concurrent and c.running >= own_concurrent then
      park(q, o)
      return
    else
      local host, go, at = hosts and hosts.limited(t), 'go', nil
      if host and hosts.at_hand(host) == 0 then
        if not hosts.is_full(host) then
          hosts.pass_over(q, o, host)
          return
        end
        go = 'hold'
      elseif breakers.any and not t.cloud then
        go, at = ask_breaker(host_of(t), id, t, probes_max, open_ms)
      end
      take(q, o)
      if go == 'hold' then
        hosts.hold(q, id, t, host)
        examined, held = examined + HELD_LOOKS, held + 1
        if held == HELD_A_TURN then
          charge(q)
          q.vain, vain_all = (q.vain or 0) + 1, vain_all + 1
          end_turn(q, o)
          return
        end
      elseif go == 'wait' then
        put_off(q, id, t, at)
      else
        lease(q, c, id, t, go == 'probe')
        if host then permits['h:' .. host] = hosts.at_hand(host) - 1 end
        end_turn(q, o)
        return
      end
    end
  end
  if not next_id(q, o, slots - #tasks / 2) then leave_line(q, o) end
end

local function may_go_on(q)
  if q.permits then return permitted(q) end
  return q.running < q.max_concurrent and not (q.rate and q.tokens < 1)
end

local function fill()
  local served = false -- since the line was read
  while #tasks / 2 < slots and examined < EXAMINED_MAX and bytes < BYTES_MAX do
    local i = choose()
    if i then
      local q = line[i]
      if q.rate and not q.permits and not q.owners then refill(q) end
      local owner = next_owner(q)
      if owner then
        examined = examined + 1
        serve_owner(q, owner)
      end
      served = served or owner ~= nil or not q.passed
      settle_line(i, owner and may_go_on(q) and next_owner(q) ~= nil)
    elseif line_whole then
      return true
    else
      flush_line()
      load_line(served and 0 or line_next)
      served = false
    end
  end
  return #tasks / 2 < slots
end

-- A small zset is a list in Redis, searched from its beginning; one that ever held a long member is not. Leases come and go
-- all the time, so they begin with one.
local function keep_leases()
  if running_all == #leases / 2 then
    local long = string.rep('-', 65)
    call('ZADD', P .. 'leases', '0', long)
    call('ZADD', P .. 'leases', unpack(leases))
    call('ZREM', P .. 'leases', long)
  else
    call('ZADD', P .. 'leases', unpack(leases))
  end
end

local function keep_time(short)
  local s = shard()
  if not short then
    call('ZREM', P .. 'idle', worker)
    if s.keeper == worker then
      s.keeper, s.keeper_at, s.dirty = '', NEVER, true
      wake()
    end
    return -1
  end
  call('ZADD', P .. 'idle', now + 3000, worker)
  local timer = tonumber(call('ZRANGE', P .. 'timers', 0, 0, 'WITHSCORES')[2]) or NEVER
  if s.keeper == '' or s.keeper == worker or now > s.keeper_at + 200 or timer < s.keeper_at then
    s.keeper, s.keeper_at, s.dirty = worker, math.min(timer, now + 1000), true
    return math.max(0, s.keeper_at - now)
  end
  return -1
end

-- Attempts that RunTask began go before everything; they take no slot of the others.
local function take_express(most)
  while most > 0 do
    local id = call('LPOP', P .. 'express')
    if not id then return end
    local raw = call('GET', P .. 'task:' .. id)
    local t = raw and parse(raw)
    if t and t.state == 'a' and t.worker == NOBODY then
      local q = queue(t.n)
      if outdated(q, t) then
        call('ZREM', P .. 'leases', id)
        forget(id, t)
      elseif t.flags % 2 == CANCELLING then
        call('ZREM', P .. 'leases', id)
        finish(q, id, t, 'c')
      else
        give(id, t)
        most = most - 1
      end
    end
  end
end

local before = call('HMGET', P .. 'worker:' .. worker, 'request', 'given')
local last = tonumber(before[1]) or -1
if request < last then return { 'refused' } end
if request == last then return repeat_answer(before[2]) end

for at = 11, #ARGV, 2 do permits[tonumber(ARGV[at]) or ARGV[at]] = tonumber(ARGV[at + 1]) end
load_breakers()
local recovered = reap(max_retries, probes_max, open_ms, lease_ms)
local again = ready_due() or #recovered >= 100
load_hosts()
if hosts then again = hosts.let_back() or again end
readmit()
local short = slots > 0
if not shard().paused then take_express(tonumber(ARGV[10])) end
slots = slots + #tasks / 2
if slots > #tasks / 2 and not shard().paused then
  running_all = call('ZCARD', P .. 'leases')
  load_line(0)
  short = fill()
  flush_line()
  if hosts then hosts.want() end
  if examined >= EXAMINED_MAX or bytes >= BYTES_MAX then again, short = true, false end
end
if at_close then again = at_close() or again end
if #leases > 0 then keep_leases() end
call('HSET', P .. 'worker:' .. worker, 'request', request, 'given', table.concat(given))
call('PEXPIRE', P .. 'worker:' .. worker, lease_ms * 2)
local wait = keep_time(short and not again)
if ((wake_wanted or keeper_late) and not short) or (slots > 0 and not short and call('EXISTS', P .. 'busy') == 1) then wake() end
write_back()
return { 'claims', now, wait, again and '1' or '0', recovered, queue_facts, tasks, trimmed_done, trimmed_dead,
  shard().weights, wanted, signed, under }
