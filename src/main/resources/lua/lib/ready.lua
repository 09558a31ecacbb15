-- ready: makes what is due ready, at most 200 tasks a call. Says whether more is due.
local function ready_of(q, most)
  local ids = call('ZRANGEBYSCORE', q.base .. 'due', '-inf', now, 'LIMIT', 0, most)
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
  end
  if #ids > 0 then call('ZREMRANGEBYRANK', q.base .. 'due', 0, #ids - 1) end
  for owner, add in pairs(adds) do
    call('ZADD', q.base .. 'ready:' .. owner, unpack(add))
    seat(q, owner)
  end
  q.due_dirty, q.dirty = true, true
  serve(q)
  return #ids
end

local function ready_due()
  local late, left = call('ZRANGEBYSCORE', P .. 'timers', '-inf', now, 'LIMIT', 0, 32), 200
  for _, n in ipairs(late) do
    local q = queue(tonumber(n))
    if not q then
      call('ZREM', P .. 'timers', n)
    elseif left > 0 then
      left = left - ready_of(q, left)
    else
      return true
    end
  end
  return left <= 0 or #late == 32
end
