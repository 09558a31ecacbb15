-- dead: the dead of a queue are found by their host, their client and what they died of, and counted by host and that. All of it
-- follows from the record, so that it can be undone when the task leaves the dead.
-- A cause is e and the code of an error, or s and the HTTP status; one with both is found by both, and counted by its error. More than
-- 1,000 pairs of a queue are counted as `other`.

local function cause_of(t)
  return t.error > 0 and 'e' .. t.error or 's' .. t.status
end

-- The host and port, and the indexes that the task belongs in.
local function dead_places(n, id, t)
  local host, base = host_behind(id, t), P .. 'queue:' .. n .. ':dead:'
  local places = { base .. 'h:' .. string.match(host, '^(.*):%d+$') }
  if t.error > 0 then places[#places + 1] = base .. 'e:e' .. t.error end
  if t.status > 0 or t.error == 0 then places[#places + 1] = base .. 'e:s' .. t.status end
  if t.owner ~= '' then places[#places + 1] = base .. 'c:' .. t.owner end
  return host, places
end

local function count_cause(n, pair, change)
  local sums = P .. 'queue:' .. n .. ':dead:sums'
  if (change < 0 or call('HLEN', sums) >= 1000) and call('HEXISTS', sums, pair) == 0 then pair = 'other' end
  if call('HINCRBY', sums, pair, change) <= 0 then call('HDEL', sums, pair) end
end

-- Adds a task to the dead of a queue (1), or removes it (-1). It is counted when it is new in the first index.
local function index_dead(n, id, change)
  local t = read_front(id)
  if not t then return end
  local host, places = dead_places(n, id, t)
  for i, place in ipairs(places) do
    local new
    if change > 0 then new = call('ZADD', place, text(t.ended), id) else new = call('ZREM', place, id) end
    if i == 1 and new == 1 then count_cause(n, host .. ' ' .. cause_of(t), change) end
  end
end
