-- drain: tasks left by a purge, a deletion or a lowered bound are deleted in steps. `drain` lists the items, which get steps in rotation:
--   waiting:<n>:<gen>        waiting tasks of a purged generation of a queue
--   over:<n>:<set>[:<ms>]    finished tasks of a deleted queue, or dead tasks dropped up to a time
--   trim:<n>:<set>           tasks beyond the bound of a queue
--   client:<id>:<n>[:<r|d><cursor>]   what a deleted client left waiting in a queue: its ready tasks, then its own among the due ones
-- Each returns whether it is at its end, or else the item to continue with.
local STEP, PAGE = 10, 50

local function drop_waiting(ids)
  for _, id in ipairs(ids) do
    local t = read_task(id)
    if t then forget(id, t) end
  end
end

local function drain_waiting(n, gen)
  local base = P .. 'queue:' .. n .. '.' .. gen .. ':'
  local owner = call('ZRANGE', base .. 'turns', 0, 0)[1]
  if owner then
    local ids = call('ZRANGE', base .. 'ready:' .. owner, 0, STEP - 1)
    drop_waiting(ids)
    if #ids > 0 then call('ZREMRANGEBYRANK', base .. 'ready:' .. owner, 0, #ids - 1) end
    if #ids < STEP then
      call('ZREM', base .. 'turns', owner)
      call('SREM', P .. 'client:' .. owner .. ':parked', n .. '.' .. gen)
    end
    return false
  end
  local last = call('ZREVRANGE', base .. 'due', 0, STEP - 1, 'WITHSCORES') -- those that wait for their host first
  local ids = {}
  for i = 1, #last, 2 do
    ids[#ids + 1] = last[i]
    local t = tonumber(last[i + 1]) >= PARKED and read_task(last[i])
    if t then unhold(last[i], t) end
  end
  drop_waiting(ids)
  if #ids > 0 then call('ZREM', base .. 'due', unpack(ids)) end
  if #ids == STEP then return false end
  call('UNLINK', base .. 'all') -- running tasks remain in it
  return true
end

local function drain_over(n, set, until_ms)
  local key = P .. 'queue:' .. n .. ':' .. set
  local ids = call('ZRANGEBYSCORE', key, '-inf', until_ms == '' and '+inf' or until_ms, 'LIMIT', 0, STEP)
  for _, id in ipairs(ids) do
    retire(id)
    call('ZREM', key, id)
  end
  return #ids < STEP
end

local function drain_trim(n, set)
  local q = queue(tonumber(n))
  if not q then return true end
  for _ = 1, STEP do
    if not is_over(q, set) or not trim_oldest(q, set) then
      call('HDEL', q.flow, 'trimming_' .. set)
      return true
    end
    if set == 'done' then trimmed_done = trimmed_done + 1 else trimmed_dead = trimmed_dead + 1 end
  end
  return false
end

--@include lib/drain_client

local drains = { waiting = drain_waiting, over = drain_over, trim = drain_trim, client = drain_client }

local function drain_some()
  local item = call('LPOP', P .. 'drain')
  if not item then return false end
  local kind, a, b, more = string.match(item, '^(%a+):([^:]+):([^:]+):?(.*)$')
  local over, next_item = drains[kind](a, b, more)
  if not over then call('RPUSH', P .. 'drain', next_item or item) end
  return call('EXISTS', P .. 'drain') == 1
end
