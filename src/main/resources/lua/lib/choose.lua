-- choose: which queue, and in it which client, has the next turn. `busy` and `turns` are read into arrays and written back
-- once. A queue's share of what runs is held by its weight, so that long tasks do not fill the workers.
local line = {}    -- the first queues of `busy`, by virtual time
local line_whole = true
local line_end = 0       -- the virtual time of the last of them: behind it, others may come first
local running_all = 0

local PAGE, PAGES_MAX = 32, 30
local permits = {} -- how many permits are at hand, by queue
local wanted = {}  -- queues that more permits are needed for, and how many tasks are ready there

-- Whether the queue may be served, as far as permits go.
local function permitted(q)
  if not q.permits or (permits[q.n] or 0) > 0 then return true end
  if not q.wanted then
    q.wanted = true
    wanted[#wanted + 1], wanted[#wanted + 2] = q.n, q.ready
  end
  return false
end

local function load_line()
  line = {}
  for page = 0, PAGES_MAX - 1 do
    local raw = call('ZRANGE', P .. 'busy', page * PAGE, page * PAGE + PAGE - 1, 'WITHSCORES')
    for i = 1, #raw, 2 do
      local q = queue(tonumber(raw[i]))
      if not q then
        call('ZREM', P .. 'busy', raw[i])
      elseif permitted(q) then
        q.busy, q.vt = true, tonumber(raw[i + 1])
        line[#line + 1] = q
      end
    end
    line_whole = #raw < 2 * PAGE
    line_end = tonumber(raw[#raw]) or 0
    if #line > 0 or line_whole then return end
  end
  line_whole = true
end

local function choose()
  local weights = shard().weights
  for i = 1, #line do
    local q = line[i]
    if q.running * weights < (running_all + 1) * q.weight then return i end
  end
  return 1
end

local function load_owners(q)
  local raw = call('ZRANGEBYSCORE', q.base .. 'turns', '-inf', '(' .. text(PARKED), 'WITHSCORES', 'LIMIT', 0, 100)
  q.owners, q.next_owner, q.owners_whole = {}, 1, #raw < 200
  for i = 1, #raw, 2 do
    q.owners[i / 2 + 0.5] = { id = raw[i], turn = tonumber(raw[i + 1]), taken = 0 }
  end
  q.turns = q.turns or {}
end

local function flush_taken(q, o)
  if o.taken > 0 then
    call('ZREMRANGEBYRANK', q.base .. 'ready:' .. o.id, 0, o.taken - 1)
    o.taken, o.ids = 0, nil
  end
end

-- Writes back which tasks were taken from a queue, and where its owners stand.
local function flush_owners(q)
  local adds, removes = {}, {}
  for owner, o in pairs(q.turns) do
    flush_taken(q, o)
    if o.turn then
      adds[#adds + 1], adds[#adds + 2] = o.turn, owner
    else
      removes[#removes + 1] = owner
    end
  end
  if #adds > 0 then call('ZADD', q.base .. 'turns', unpack(adds)) end
  if #removes > 0 then call('ZREM', q.base .. 'turns', unpack(removes)) end
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
  call('SADD', P .. 'client:' .. o.id .. ':parked', q.n .. '.' .. q.gen)
  o.turn, q.turns[o.id], q.next_owner = o.turn + PARKED, o, q.next_owner + 1
end

local function to_the_back(q, o)
  q.turn = q.turn + 1
  o.turn, q.turns[o.id], q.next_owner = q.turn, o, q.next_owner + 1
  if q.owners_whole then q.owners[#q.owners + 1] = o end
end

-- The next ready task of an owner; nil when it has none.
local function next_id(q, o, slots_left)
  if not o.ids or (o.taken >= #o.ids and not o.ids_whole) then
    flush_taken(q, o)
    local want = math.min(slots_left + 1, 101)
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

-- The queue was served, or proved not to be: its place in the line, or none. It is written back when the line is read anew.
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

local function flush_line(q)
  if not q.owners then return end
  local o = q.owners[q.next_owner]
  flush_owners(q)
  if o then q.first = o.turn elseif q.owners_whole then q.first = PARKED else q.first = nil end
  q.owners = nil
  if serve(q) then call('ZADD', P .. 'busy', q.vt, q.n) end
end
