-- turns: the owners of ready tasks in a queue take turns; one at its limit is parked behind all others.
--@include lib/unpark

-- Gives an owner with ready tasks its place; a parked one that may have room again is readmitted, for claim to decide.
local function seat(q, owner)
  local turn = tonumber(call('ZSCORE', q.base .. 'turns', owner))
  if not turn then
    q.turn = q.turn + 1
    call('ZADD', q.base .. 'turns', text(q.turn), owner)
    q.first, q.stale, q.dirty = math.min(q.first or NEVER, q.turn), true, true
  elseif turn >= PARKED then
    local c = client(owner)
    if c and c.running < c.max_concurrent then
      call('ZADD', q.base .. 'turns', turn - PARKED, owner)
      call('SREM', P .. 'client:' .. owner .. ':parked', q.n .. '.' .. q.gen)
      q.first, q.stale, wake_wanted = nil, true, true
    end
  end
end

-- Makes a task of the queue ready; the caller serves the queue afterwards.
local function make_ready(q, id, t)
  call('ZADD', q.base .. 'ready:' .. t.owner, t.due, id)
  q.ready = q.ready + 1
  q.dirty = true
  seat(q, t.owner)
end

-- Makes a task of the queue wait for its due time, or in that time's place; the caller serves the queue afterwards.
local function make_due(q, id, t, place)
  call('ZADD', q.base .. 'due', text(place or t.due), id)
  if t.state == 't' then q.retry = q.retry + 1 end
  q.due_dirty, q.dirty = true, true
end

-- A task that waits for its host leaves `due`, and is no longer counted there.
local function unhold(id, t)
  local host = host_behind(id, t)
  call('ZREM', P .. 'held:' .. host, id)
  call('ZREM', P .. 'held:' .. string.match(host, '^(.*):%d+$'), id)
end

-- Takes a waiting task out of its set, and serves the queue.
local function take_out(q, id, t)
  if t.state == 'r' then
    local ready = q.base .. 'ready:' .. t.owner
    call('ZREM', ready, id)
    q.ready = q.ready - 1
    if call('EXISTS', ready) == 0 then
      call('ZREM', q.base .. 'turns', t.owner)
      call('SREM', P .. 'client:' .. t.owner .. ':parked', q.n .. '.' .. q.gen)
      q.first = nil
    else
      seat(q, t.owner)
    end
  else
    local place = tonumber(call('ZSCORE', q.base .. 'due', id))
    call('ZREM', q.base .. 'due', id)
    if place and place >= PARKED then unhold(id, t) end
    if t.state == 't' then q.retry = q.retry - 1 end
    q.due_dirty = true
  end
  q.dirty = true
  serve(q)
end
