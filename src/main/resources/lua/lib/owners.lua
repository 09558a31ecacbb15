-- owners: the owners of ready tasks take turns; what changes is written once.
-- One of Cloud Tasks has one owner, '', which is in `turns` exactly while the queue is in `busy`.
local function is_cloud(q)
  return q.policy and string.sub(q.policy, 1, 2) == '\255\254'
end

local function load_owners(q)
  q.turns = q.turns or {}
  if is_cloud(q) then
    q.owners, q.next_owner, q.owners_whole = { { id = '', turn = q.turn, taken = 0 } }, 1, true
    return
  end
  local raw = call('ZRANGEBYSCORE', q.base .. 'turns', '-inf', '(' .. text(PARKED), 'WITHSCORES', 'LIMIT', '0', '100')
  spend(10 + #raw / 5)
  q.owners, q.next_owner, q.owners_whole = {}, 1, #raw < 200
  for i = 1, #raw, 2 do
    q.owners[i / 2 + 0.5] = { id = raw[i], turn = tonumber(raw[i + 1]), taken = 0 }
  end
end

local function flush_taken(q, o)
  if o.taken > 0 then
    call('ZREMRANGEBYRANK', q.base .. 'ready:' .. o.id, '0', text(o.taken - 1))
    o.taken, o.ids = 0, nil
  end
end

-- Writes back which tasks were taken from a queue, and the positions of its owners.
local function flush_owners(q)
  local adds, removes
  for owner, o in pairs(q.turns) do
    flush_taken(q, o)
    if not o.turn then
      removes = removes or {}
      removes[#removes + 1] = owner
    elseif o.moved then
      adds = adds or {}
      adds[#adds + 1], adds[#adds + 2], o.moved = text(o.turn), owner, false
    end
  end
  if adds then call('ZADD', q.base .. 'turns', unpack(adds)) end
  if removes then call('ZREM', q.base .. 'turns', unpack(removes)) end
  q.turns, q.dirty = {}, true
end

-- The owner whose turn it is; nil when none of the queue's owners can be served.
local function next_owner(q)
  if not q.owners then load_owners(q) end
  if q.next_owner > #q.owners and not q.owners_whole then
    flush_owners(q)
    load_owners(q)
  end
  return q.owners[q.next_owner]
end

local function leave_line(q, o)
  o.turn, q.turns[o.id], q.next_owner = nil, o, q.next_owner + 1
end

local function park(q, o)
  spend(20)
  call('SADD', P .. 'client:' .. o.id .. ':parked', q.n .. '.' .. q.gen)
  o.turn, o.moved, q.turns[o.id], q.next_owner = o.turn + PARKED, true, o, q.next_owner + 1
end

-- After all others, including parked ones: they may be readmitted before its next turn.
local function to_the_back(q, o)
  if is_cloud(q) then return end -- it has no other
  q.turn = q.turn + 1
  o.turn, o.moved, q.turns[o.id], q.next_owner = q.turn, true, o, q.next_owner + 1
  if q.owners_whole then q.owners[#q.owners + 1] = o end
end

-- The next ready task of an owner; nil when it has none. They are read by the queue's share of the slots that are left, one more
-- to see whether there is one, and twice as many each time.
local function next_id(q, o, slots_left)
  if not o.ids or (o.taken >= #o.ids and not o.ids_whole) then
    flush_taken(q, o)
    local want = math.min(math.max(math.ceil(slots_left / math.max(#line, 1)), 2 * (o.read or 0)) + 1, 101)
    o.read = want - 1
    o.ids = call('ZRANGE', q.base .. 'ready:' .. o.id, '0', text(want - 1))
    o.ids_whole = #o.ids < want
  end
  return o.ids[o.taken + 1]
end

local function take(q, o)
  o.taken = o.taken + 1
  q.ready = q.ready - 1
  q.turns[o.id] = o
end
