-- ready: makes due tasks ready, some of each queue alternately, so that a due backlog in one queue delays no other.
local READY_STEP, QUEUES_MAX = 20, 40

local function ready_of(q)
  local ids = call('ZRANGEBYSCORE', q.base .. 'due', '-inf', now, 'LIMIT', 0, READY_STEP)
  local adds = {}
  for _, id in ipairs(ids) do
    local t = read_task(id)
    if t then
      if t.state == 't' then q.retry = q.retry - 1 end
      local c = client(t.owner)
      if not c or c.gen ~= t.client_gen then
        finish(q, id, t, 'c')
      else
        call('SETRANGE', P .. 'task:' .. id, '1', 'r')
        local add = adds[t.owner]
        if not add then
          add = {}
          adds[t.owner] = add
        end
        add[#add + 1], add[#add + 2] = text(t.due), id
        q.ready = q.ready + 1
      end
    end
    spend(12)
  end
  if #ids > 0 then call('ZREMRANGEBYRANK', q.base .. 'due', 0, #ids - 1) end
  for owner, add in pairs(adds) do
    call('ZADD', q.base .. 'ready:' .. owner, unpack(add))
    seat(q, owner)
    spend(10)
  end
  q.due_dirty, q.dirty = true, true
  return #ids == READY_STEP
end

-- The queues whose timer is over: those of the earliest, or others from call to call when there are many.
local function late_queues()
  local late, found = call('ZCOUNT', P .. 'timers', '-inf', now), {}
  local from = late > QUEUES_MAX and now % (late - QUEUES_MAX + 1) or 0
  for _, n in ipairs(call('ZRANGEBYSCORE', P .. 'timers', '-inf', now, 'LIMIT', from, QUEUES_MAX)) do
    local q = queue(tonumber(n))
    if q then found[#found + 1] = q else call('ZREM', P .. 'timers', n) end
    spend(5)
  end
  return found, late > QUEUES_MAX
end

-- Returns whether more is due.
local function ready_due(floor)
  local line, more = late_queues()
  local seen = { unpack(line) }
  while #line > 0 and budget_left > floor do
    for i = #line, 1, -1 do
      if budget_left > floor and not ready_of(line[i]) then table.remove(line, i) end
    end
  end
  for _, q in ipairs(seen) do
    q.due_dirty = true
    if serve(q) then wake_wanted = true end
  end
  return more or #line > 0
end
