-- choose: which queue, and in it which client, has the next turn. `busy` and `turns` are read into arrays and written back
-- once. A queue's share of running tasks is limited by its weight, so that long tasks do not fill the workers.
local LINE = 32
local line = {}       -- the first queues of `busy`, by virtual time; those not examined yet have only n and time
local line_whole = true
local line_end = 0    -- the virtual time of the last of them: behind it, others may come first
local running_all = 0
local vain_all = 0    -- turns of this claim that started nothing, and took as much time: they count as running

local function load_line()
  local raw = call('ZRANGE', P .. 'busy', 0, LINE - 1, 'WITHSCORES')
  line, line_whole, line_end = {}, #raw < 2 * LINE, tonumber(raw[#raw]) or 0
  for i = 1, #raw, 2 do line[i / 2 + 0.5] = { n = tonumber(raw[i]), vt = tonumber(raw[i + 1]) } end
end

-- Examines the queue at a place of the line; nil when it cannot be served, and then it is removed from the line.
local function look(i)
  local seen = line[i]
  if seen.flow then return seen end
  local q = queue(seen.n)
  if not q then
    call('ZREM', P .. 'busy', seen.n)
    table.remove(line, i)
    return nil
  end
  q.busy, q.vt, line[i] = true, seen.vt, q
  return q
end

-- The place in the line of the queue to serve next; nil when none in it is to be served.
local function choose()
  local weights, i = shard().weights, 1
  while line[i] do
    local q = look(i)
    if q then
      if (q.running + (q.vain or 0)) * weights < (running_all + vain_all + 1) * q.weight then return i end
      i = i + 1
    end
  end
  return line[1] and 1
end

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
  local raw = call('ZRANGEBYSCORE', q.base .. 'turns', '-inf', '(' .. text(PARKED), 'WITHSCORES', 'LIMIT', 0, 100)
  spend(10 + #raw / 5)
  q.owners, q.next_owner, q.owners_whole = {}, 1, #raw < 200
  for i = 1, #raw, 2 do
    q.owners[i / 2 + 0.5] = { id = raw[i], turn = tonumber(raw[i + 1]), taken = 0 }
  end
end

local function flush_taken(q, o)
  if o.taken > 0 then
    call('ZREMRANGEBYRANK', q.base .. 'ready:' .. o.id, 0, o.taken - 1)
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
      adds[#adds + 1], adds[#adds + 2], o.moved = o.turn, owner, false
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
    o.ids = call('ZRANGE', q.base .. 'ready:' .. o.id, 0, want - 1)
    o.ids_whole = #o.ids < want
  end
  return o.ids[o.taken + 1]
end

local function take(q, o)
  o.taken = o.taken + 1
  q.ready = q.ready - 1
  q.turns[o.id] = o
end

-- The queue was served, or proved not to be: its place in the line, or none. It is written back when the line is read again.
local function settle_line(i, servable)
  local q = line[i]
  if not servable or (not line_whole and q.vt > line_end) then
    table.remove(line, i)
    return
  end
  while line[i + 1] and line[i + 1].vt < q.vt do
    line[i], line[i + 1] = line[i + 1], q
    i = i + 1
  end
end

-- Writes back the served queues of the line, and their positions.
local function flush_line()
  local places = {}
  for _, q in pairs(queues) do
    if q and q.owners then
      local o = q.owners[q.next_owner]
      flush_owners(q)
      q.first = o and o.turn or q.owners_whole and PARKED or nil
      q.owners = nil
      if serve(q) then places[#places + 1], places[#places + 2] = q.vt, q.n end
    end
  end
  if #places > 0 then call('ZADD', P .. 'busy', unpack(places)) end
end
