-- client: an owner of tasks, its limits and its counters; written back once.
--@include lib/budget
local clients, tiers = {}, {}

local function tier_limits(name)
  local limits = tiers[name]
  if not limits then
    local text = call('HGET', P .. 'tiers', name) or call('HGET', P .. 'tiers', 'default') or '3:50'
    local concurrent, per_min = string.match(text, '^(%d+):(%d+)$')
    limits = { tonumber(concurrent), tonumber(per_min) }
    tiers[name] = limits
  end
  return limits
end

-- The owner '' is a queue itself: one of Cloud Tasks, which has no limits but its own, and no hash.
local function client(id)
  local c = clients[id]
  if c == nil and id == '' then
    c = { id = '', on = '1', gen = 0, max_concurrent = NEVER, requests_per_min = NEVER, running = 0, live = 0,
      bytes = 0, sum = 0, seen = 0 }
    clients[id] = c
  elseif c == nil then
    spend(15) -- and to write it back
    local f = call('HMGET', P .. 'client:' .. id, 'on', 'gen', 'tier', 'max_concurrent', 'requests_per_min', 'running',
      'live', 'sum', 'keyed', 'queues', 'stranger', 'seen', 'signing', 'bytes',
      'max_waiting', 'max_waiting_bytes')
    if f[1] then
      local limits = tier_limits(f[3] or 'default')
      c = {
        id = id, on = f[1], gen = tonumber(f[2]) or 0, max_concurrent = tonumber(f[4]) or limits[1],
        requests_per_min = tonumber(f[5]) or limits[2], running = tonumber(f[6]) or 0, live = tonumber(f[7]) or 0,
        sum = tonumber(f[8]) or 0, keyed = f[9] == '1', queues = f[10], stranger = f[11] == '1', seen = tonumber(f[12]) or 0,
        signing = f[13], bytes = tonumber(f[14]) or 0, max_waiting = f[15] and tonumber(f[15]),
        max_waiting_bytes = f[16] and tonumber(f[16]), stored = f,
      }
    else
      c = false
    end
    clients[id] = c
  end
  return c
end

-- Adds a waiting or running task to its owner (1), or removes it (-1); with this many bytes of body.
local function count_live(id, change, body)
  local c = client(id)
  if not c then return end
  c.live = math.max(0, c.live + change)
  c.bytes = math.max(0, c.bytes + change * body)
  c.dirty = true
  if c.stranger and (c.live == 0 or now - c.seen > 60000 or now < c.seen) then
    c.seen = now
    call('ZADD', P .. 'strangers', now, id)
  end
end

local function flush_clients()
  for id, c in pairs(clients) do
    if c and c.dirty and id ~= '' then
      local sets, f = {}, c.stored or {}
      local at = note(sets, 0, 'running', c.running, f[6])
      at = note(sets, at, 'live', c.live, f[7])
      at = note(sets, at, 'bytes', c.bytes, f[14])
      at = note(sets, at, 'sum', c.sum, f[8])
      at = note(sets, at, 'seen', c.seen, f[12])
      if at > 0 then call('HSET', P .. 'client:' .. id, unpack(sets, 1, at)) end
    end
  end
end
