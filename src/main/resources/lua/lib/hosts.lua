-- hosts: targets that have limits of their own. A task goes to one under a permit alone, which the home of its host gives out (see
-- permit.lua); the worker asks for them after a claim that says so, and brings them to the next. Until it knows, the task's owner
-- is passed over. Where its host is known to be full, a task makes room for others and takes no slot: it waits in `due`, behind
-- all times, and in `held:<host>` by its own time, until there are permits at hand again.
-- `hosts` are those that have limits, `held` those with such tasks. A task that is called off meanwhile leaves its queue alone, so
-- that `held:<host>` may name what is gone.
--@include lib/host_names
local LET_MAX, HOSTS_MAX = 200, 32
local limited, held_by, of_owners = {}, {}, {}

-- The host that a task goes to, with its port where that has limits of its own; nil when it has none.
local function limited_host(t)
  local whole = host_of(t)
  local host = limited[whole]
  if host == nil then
    host = false
    for _, name in ipairs(host_names(whole)) do
      host = host or (call('SISMEMBER', P .. 'hosts', name) == 1 and name)
    end
    limited[whole] = host
  end
  return host or nil
end

local function at_hand(host)
  return permits['h:' .. host] or 0
end

local function is_full(host)
  return permits['f:' .. host] ~= nil
end

-- A ready task that was taken from its owner waits for its host.
local function hold(q, id, t, host)
  t.state = t.attempts > 0 and 't' or 's'
  write_head(id, t)
  make_due(q, id, t, PARKED + t.due)
  call('ZADD', P .. 'held:' .. host, text(t.due), id)
  call('SADD', P .. 'held', host)
  held_by[host] = true
end

-- An owner whose first task needs a permit is passed over in this claim.
local function pass_over(q, o, host)
  q.passed = q.passed or {}
  q.passed[o.id], q.next_owner = true, q.next_owner + 1
  of_owners[host] = (of_owners[host] or 0) + call('ZCARD', q.base .. 'ready:' .. o.id)
end

-- Makes a task that was held ready. Says its queue, which is to be served then, and whether all other limits let it start.
local function let_in(id)
  local t = read_task(id)
  local q = t and (t.state == 's' or t.state == 't') and queue(t.n)
  if not q or q.gen ~= t.gen then return nil end
  if (tonumber(call('ZSCORE', q.base .. 'due', id)) or 0) < PARKED then return nil end
  call('ZREM', q.base .. 'due', id)
  if t.state == 't' then q.retry = q.retry - 1 end
  t.state, q.due_dirty = 'r', true
  write_head(id, t)
  make_ready(q, id, t)
  local c = client(t.owner)
  local starts = c and not q.paused and (q.permits or q.running + (q.back or 0) < q.max_concurrent)
    and c.running + (c.back or 0) < c.max_concurrent
  if starts then q.back, c.back = (q.back or 0) + 1, (c.back or 0) + 1 end
  return q, starts
end

-- Makes the first tasks of a host ready: as many as can use a permit, or all. Says whether some are left that may go at once.
local function let_back(host, most, served)
  local looked = 0
  while most > 0 and looked < LET_MAX do
    local first = call('ZPOPMIN', P .. 'held:' .. host, math.min(most, LET_MAX - looked))
    if #first == 0 then
      call('SREM', P .. 'held', host)
      return false
    end
    for i = 1, #first, 2 do
      local q, starts = let_in(first[i])
      if q then served[q] = true end
      if starts then most = most - 1 end
      looked = looked + 1
    end
  end
  return most > 0
end

-- Says whether there is more to do at once. Of many hosts some are looked at, others by the next claim.
local function let_back_all()
  local served, more = {}, false
  for what, count in pairs(permits) do
    local host = string.match(what, '^n:(.*)$')
    if host then more = let_back(host, count, served) or more end
  end
  for _, host in ipairs(call('SRANDMEMBER', P .. 'held', HOSTS_MAX)) do
    if call('SISMEMBER', P .. 'hosts', host) == 1 then
      held_by[host] = true
    else
      more = let_back(host, NEVER, served) or more
    end
  end
  for q in pairs(served) do serve(q) end
  return more
end

-- The hosts that permits are needed for, and for how many tasks.
local function want_permits()
  for host in pairs(held_by) do of_owners[host] = (of_owners[host] or 0) + call('ZCARD', P .. 'held:' .. host) end
  for host, count in pairs(of_owners) do
    if count > 0 and not is_full(host) then wanted[#wanted + 1], wanted[#wanted + 2] = 'h:' .. host, count end
  end
end
