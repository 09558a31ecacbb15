-- turns: the owners of ready tasks in a queue take turns; one at its limit is parked behind all others.
--@include lib/budget

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

-- Lets an owner that runs less than it did back into the places where it is parked: into 100, or more while none of them can be
-- served. The rest is left in `unparking`, for `tend` to go on with when there is room for it.
local function unpark(owner)
  local key, served, places = P .. 'client:' .. owner .. ':parked', false, 0
  while spend(4) and not (served and places >= 100) do
    local place = call('SPOP', key)
    if not place then return end
    local n, gen = string.match(place, '^(%d+)%.(%d+)$')
    local q = queue(tonumber(n))
    local turn = q and q.gen == tonumber(gen) and tonumber(call('ZSCORE', q.base .. 'turns', owner))
    if turn and turn >= PARKED then
      call('ZADD', q.base .. 'turns', turn - PARKED, owner)
      q.first = nil
      if serve(q) then served, wake_wanted = true, true end
      spend(12)
    end
    places = places + 1
  end
  local c = client(owner)
  if c and c.running < c.max_concurrent and call('EXISTS', key) == 1 then call('SADD', P .. 'unparking', owner) end
end

-- Goes on with the owners that are not let in everywhere. Returns whether the budget ended it.
local function unpark_more(floor)
  for _, owner in ipairs(call('SPOP', P .. 'unparking', 100)) do
    if budget_left > floor then unpark(owner) else call('SADD', P .. 'unparking', owner) end
  end
  return budget_left <= floor and call('EXISTS', P .. 'unparking') == 1
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
