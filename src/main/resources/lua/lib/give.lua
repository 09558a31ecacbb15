-- give: passes tasks to the claiming worker, each with the data that it needs: its queue, whether its requests are signed, and the
-- gates that it must pass before it may begin (gates.lua), a queue's before a host's.
local lease_end, now_packed = text(now + lease_ms), pack('>I6', now)
local tasks, told, queue_facts, given, signed, gated, leases = {}, {}, {}, {}, {}, {}, {}
local FEW_LEASES = 8
local some_limited, some_open = call('EXISTS', P .. 'hosts') == 1, call('EXISTS', P .. 'open') == 1 -- hosts

local function hand_over(id, t, record)
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
  tasks[#tasks + 1], tasks[#tasks + 2] = id, record
  if not (q and q.gated or some_limited) or express(t) then return end -- RunTask passes all limits
  if q and q.gated then gated[#gated + 1], gated[#gated + 2] = id, 'q:' .. t.n end
  local host = some_limited and limited_host(id, t)
  if host then gated[#gated + 1], gated[#gated + 2] = id, 'h:' .. host end
end

-- The worker holds the task from now on. `t` may be the front of a large record; the worker gets all of it.
local function give(id, t)
  t.claim, t.worker = math.max(t.claim + 1, now), worker_bytes
  local front_now = front(t)
  call('SETRANGE', P .. 'task:' .. id, '1', front_now)
  local record = t.whole and '\1' .. front_now .. string.sub(t.raw, 2 + #front_now) or call('GET', P .. 'task:' .. id)
  hand_over(id, t, record)
  leases[#leases + 1], leases[#leases + 2] = lease_end, id
  given[#given + 1] = id .. (t.claim == now and now_packed or pack('>I6', t.claim))
  spend(17, #record * 0.8)
end

-- A small zset is a list in Redis, searched from its beginning; one that ever held a long member is not. If there are more than
-- a few leases, they begin with one.
local function keep_leases()
  if #leases == 0 then return end
  if running_all == #leases / 2 and running_all >= FEW_LEASES then
    local long = string.rep('-', 65)
    call('ZADD', P .. 'leases', '0', long)
    call('ZADD', P .. 'leases', unpack(leases))
    call('ZREM', P .. 'leases', long)
  else
    call('ZADD', P .. 'leases', unpack(leases))
  end
end
