-- move: moves a waiting or dead task to another queue; it keeps its state, its attempts and its times. The caller serves
-- the queue that it comes to afterwards.

-- Whether it may: its client may use the queue, and a dead one must find room, because no other is dropped for it.
local function may_move(to, id, t)
  local c = client(t.owner)
  if t.cloud or (c and c.queues and not string.find(c.queues, ',' .. to.name .. ',', 1, true)) then return false end
  if t.state ~= 'd' then return true end
  local limits = caps(to)
  return call('ZCARD', P .. 'queue:' .. to.n .. ':dead') < limits.dead_max
    and limits.dead_bytes + bytes_of_dead(id) <= limits.dead_max_bytes
end

local function move_dead(q, to, id, t)
  spend(80)
  call('ZREM', P .. 'queue:' .. q.n .. ':dead', id)
  count_dead(q, id, -1)
  t.n, t.gen = to.n, to.gen
  write_head(id, t)
  call('ZADD', P .. 'queue:' .. to.n .. ':dead', text(t.ended), id)
  call('ZADD', P .. 'retire', text(t.ended + caps(to).dead_retention_ms), id)
  count_dead(to, id, 1)
end

local function move(q, to, id, t)
  if t.state == 'd' then
    move_dead(q, to, id, t)
    return
  end
  spend(30)
  take_out(q, id, t)
  t.n, t.gen = to.n, to.gen
  write_head(id, t)
  if t.state == 'r' then make_ready(to, id, t) else make_due(to, id, t) end
end
