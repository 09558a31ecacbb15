-- tidy: what nobody waits for, a bounded part a call: tasks whose retention ended (200), what a purge or a deletion left
-- (500 tasks), tasks of Cloud Tasks that were made 31 days ago (200), clients that were made known on the spot and have had no task for a day (100), breakers that nobody tries (20).
-- ARGV   now, ms after which such a client is forgotten
-- REPLY  '1' when there is more to do at once
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/alive
--@include lib/find
--@include lib/retire
--@include lib/close
local stranger_ms = tonumber(ARGV[2])
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local function drop_waiting(ids)
  for _, id in ipairs(ids) do
    local t = read_task(id)
    if t then forget(id, t) end
  end
end

-- What waited in a purged generation of a queue: its owners' ready tasks, then its due ones.
local function drain_waiting(n, gen, most)
  local base, left = P .. 'queue:' .. n .. '.' .. gen .. ':', most
  while left > 0 do
    local owner = call('ZRANGE', base .. 'turns', 0, 0)[1]
    if not owner then break end
    local ids = call('ZRANGE', base .. 'ready:' .. owner, 0, left - 1)
    drop_waiting(ids)
    if #ids > 0 then call('ZREMRANGEBYRANK', base .. 'ready:' .. owner, 0, #ids - 1) end
    if #ids < left then
      call('ZREM', base .. 'turns', owner)
      call('SREM', P .. 'client:' .. owner .. ':parked', n .. '.' .. gen)
    end
    left = left - math.max(#ids, 1)
  end
  if left > 0 then
    local ids = call('ZRANGE', base .. 'due', 0, left - 1)
    drop_waiting(ids)
    if #ids > 0 then call('ZREMRANGEBYRANK', base .. 'due', 0, #ids - 1) end
    left = left - #ids
  end
  if left > 0 then call('DEL', base .. 'all') end -- what runs is left in it
  return left
end

-- What was over in a deleted queue, or dead tasks that were dropped up to a time.
local function drain_over(n, set, until_ms, most)
  local ids = call('ZRANGEBYSCORE', P .. 'queue:' .. n .. ':' .. set, '-inf', until_ms, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    call('ZREM', P .. 'queue:' .. n .. ':' .. set, id)
    retire(id)
  end
  return most - #ids
end

-- What a deleted client left waiting in a queue: its ready tasks, then its own among others' due ones; a page at a time.
-- `place` is the set and the cursor in it; nil when the end was reached.
local function drain_client(owner, n, place, most)
  local q, c = queue(tonumber(n)), client(owner)
  if not q then return most, nil end
  local set, cursor = string.match(place, '^([rd])(%d+)$')
  if not set then set, cursor = 'r', '0' end
  local page = call('ZSCAN', q.base .. (set == 'r' and 'ready:' .. owner or 'due'), cursor, 'COUNT', 200)
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local t = read_task(id)
    if t and t.owner == owner and (not c or c.gen ~= t.client_gen) then
      take_out(q, id, t)
      finish(q, id, t, 'c')
    end
  end
  local left = math.max(0, most - #page[2] / 2)
  if page[1] ~= '0' then return left, set .. page[1] end
  return left, set == 'r' and 'd0' or nil
end

-- Tasks of Cloud Tasks whose life is over, dispatched or not.
local function drop_aged()
  local late, left = call('ZRANGEBYSCORE', P .. 'ages', '-inf', now - LIFE_MS, 'LIMIT', 0, 20), 200
  for _, n in ipairs(late) do
    local q = queue(tonumber(n))
    local all = q and q.base .. 'all'
    for _, id in ipairs(q and call('ZRANGEBYSCORE', all, '-inf', now - LIFE_MS, 'LIMIT', 0, left) or {}) do
      local t = read_task(id)
      if t then drop(q, id, t) end
      call('ZREM', all, id)
      left = left - 1
    end
    local oldest = q and call('ZRANGE', all, 0, 0, 'WITHSCORES')[2]
    if oldest then call('ZADD', P .. 'ages', oldest, n) else call('ZREM', P .. 'ages', n) end
    if left <= 0 then return true end
  end
  return #late == 20
end

local function drain()
  local left = 500
  for _ = 1, 20 do
    local item = call('LINDEX', P .. 'drain', 0)
    if not item then return false end
    if left <= 0 then return true end
    local kind, a, b, more = string.match(item, '^(%a+):([^:]+):([^:]+):?(.*)$')
    if kind == 'waiting' then
      left = drain_waiting(a, b, left)
      if left > 0 then call('LPOP', P .. 'drain') end
    elseif kind == 'over' then
      left = drain_over(a, b, more == '' and '+inf' or more, left)
      if left > 0 then call('LPOP', P .. 'drain') end
    else
      local place
      left, place = drain_client(a, b, more, left)
      if place then call('LSET', P .. 'drain', 0, 'client:' .. a .. ':' .. b .. ':' .. place) else call('LPOP', P .. 'drain') end
    end
  end
  return true
end

local function forget_strangers()
  local late = call('ZRANGEBYSCORE', P .. 'strangers', '-inf', now - stranger_ms, 'LIMIT', 0, 100)
  for _, id in ipairs(late) do
    local c = client(id)
    if c and c.stranger and c.live == 0 and c.on == '1' then
      call('DEL', P .. 'client:' .. id, P .. 'client:' .. id .. ':minute', P .. 'client:' .. id .. ':parked')
      call('ZREM', P .. 'clients', id)
      call('ZREM', P .. 'strangers', id)
      clients[id] = nil
    elseif c and c.stranger then
      call('ZADD', P .. 'strangers', now, id)
    else
      call('ZREM', P .. 'strangers', id)
    end
  end
  return #late == 100
end

-- A breaker that is half-open, and that nobody has tried for an hour, is forgotten: a few a call, at random.
local function forget_breakers()
  local some = call('HRANDFIELD', P .. 'open', 20, 'WITHVALUES')
  for i = 1, #some, 2 do
    local at, out = unpack_struct('>I6I4', some[i + 1])
    if now - at > (out == 0 and 3600000 or 2 * 86400000) then call('HDEL', P .. 'open', some[i]) end
  end
end

local ended = call('ZRANGEBYSCORE', P .. 'retire', '-inf', now, 'LIMIT', 0, 200)
for _, id in ipairs(ended) do retire(id) end
local more = drain()
forget_breakers()
more = forget_strangers() or more or #ended == 200
more = drop_aged() or more
close()
return more and '1' or '0'
