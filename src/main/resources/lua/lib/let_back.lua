-- let_back: a gate has room: readmits tasks that wait for it.
--@include lib/hold

-- Makes a task that waits for its host ready. Returns its queue, which is to be served then, and whether all other limits let it start.
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
  local starts = c and not q.paused and (q.gated and q.room ~= 0 or not q.gated and q.running + (q.back or 0) < q.max_concurrent)
    and c.running + (c.back or 0) < c.max_concurrent
  if starts then q.back, c.back = (q.back or 0) + 1, (c.back or 0) + 1 end
  return q, starts
end

-- Makes the first tasks of a host ready until this many may start, or are ready if `all` count. Returns for how many there was none, and
-- whether the budget ended it.
local function let_back(host, most, floor, all)
  local held, served = P .. 'held:' .. host, {}
  while most > 0 and budget_left > floor do
    local id = call('ZPOPMIN', held)[1]
    if not id then break end
    local q, starts = let_in(id)
    if q then served[q] = true end
    if starts or all then most = most - 1 end
    spend(25)
  end
  for q in pairs(served) do
    if serve(q) then wake_wanted = true end
  end
  if call('EXISTS', held) == 1 then return 0, most > 0 end
  call('HDEL', P .. 'rooms', 'h:' .. host)
  call('ZREM', P .. 'shut', 'h:' .. host, 'b:' .. host)
  return most, false
end

-- A gate can take this many tasks of this shard. A queue is served again; tasks of a host are made ready. Returns as `let_back` does.
local function admit(gate, room, floor)
  local kind, name = string.match(gate, '^(.):(.*)$')
  if kind == 'h' then
    local before = math.max(0, tonumber(call('HGET', P .. 'rooms', gate)) or 0)
    call('HSET', P .. 'rooms', gate, before + room)
    return let_back(name, room, floor)
  end
  local q = queue(tonumber(name))
  call('ZREM', P .. 'shut', gate)
  if not q or q.room == NO_LIMIT then return room, false end
  q.room, q.dirty = q.ready > 0 and math.max(q.room, 0) + room or NO_LIMIT, true
  if serve(q) then wake_wanted = true end
  return q.room == NO_LIMIT and room or 0, false
end

--@include lib/look_at_breaker

-- How many tasks wait for a gate here; none when it is to be asked for nothing more.
local function waiting_for(kind, name)
  if kind == 'h' then return call('ZCARD', P .. 'held:' .. name) end
  local q = queue(tonumber(name))
  return q and q.gated and not q.paused and q.room == 0 and q.ready or 0
end

-- The gates whose home is to be asked now, each with how many tasks wait for it here.
local function to_ask(floor)
  local asked = {}
  for _, gate in ipairs(call('ZRANGEBYSCORE', P .. 'shut', '-inf', now, 'LIMIT', 0, 100)) do
    if budget_left <= floor then break end
    spend(12)
    local kind, name = string.match(gate, '^(.):(.*)$')
    local waiting = kind == 'b' and 0 or waiting_for(kind, name)
    if kind == 'b' then
      look_at_breaker(name, floor)
    elseif kind == 'h' and (waiting == 0 or call('SISMEMBER', P .. 'hosts', name) == 0) then
      let_back(name, NEVER, floor)
    elseif waiting == 0 then
      admit(gate, 1)
    else
      call('ZADD', P .. 'shut', text(now + ASK_AGAIN_MS), gate)
      asked[#asked + 1], asked[#asked + 2] = gate, waiting
    end
  end
  return asked
end
