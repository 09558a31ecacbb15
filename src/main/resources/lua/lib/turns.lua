-- turns: the owners of ready tasks in a queue take turns; one at its limit is parked behind all others.

-- Gives an owner with ready tasks its place; a parked one that may have room again is let back in, to be judged by claim.
local function seat(q, owner)
  local turn = tonumber(call('ZSCORE', q.base .. 'turns', owner))
  if not turn then
    q.turn = q.turn + 1
    call('ZADD', q.base .. 'turns', q.turn, owner)
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

-- Lets an owner back in wherever it is parked, since it runs less than it did: in 100 queues at once, or in 1,000 when none of
-- them can be served. `tidy` goes on with the rest, when there is room for it.
local function unpark(owner)
  local key = P .. 'client:' .. owner .. ':parked'
  if call('SCARD', key) == 0 then return end
  local served = false
  for _ = 1, 10 do
    local places = call('SPOP', key, 100)
    for _, place in ipairs(places) do
      local n, gen = string.match(place, '^(%d+)%.(%d+)$')
      local q = queue(tonumber(n))
      if q and q.gen == tonumber(gen) then
        local turn = tonumber(call('ZSCORE', q.base .. 'turns', owner))
        if turn and turn >= PARKED then
          call('ZADD', q.base .. 'turns', turn - PARKED, owner)
          q.first = nil
          if serve(q) then served = true end
        end
      end
    end
    if served or #places < 100 then break end
  end
  if served then wake_wanted = true end
  local c = client(owner)
  if c and c.running < c.max_concurrent and call('SCARD', key) > 0
    and call('HSETNX', P .. 'client:' .. owner, 'unparking', 1) == 1 then
    call('RPUSH', P .. 'drain', 'unpark:' .. owner .. ':0')
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
    call('ZREM', q.base .. 'due', id)
    if t.state == 't' then q.retry = q.retry - 1 end
    q.due_dirty = true
  end
  q.dirty = true
  serve(q)
end
