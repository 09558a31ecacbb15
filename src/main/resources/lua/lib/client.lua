-- client: an owner of tasks, its limits and its counters; written back once.
-- Two fields of its hash are packed. A script that changes a setting deletes `brief`; the next move that writes the counts makes it again.
--   counts  running(4) · live(4) · bytes(6) · accepted in the last minute(4) · seen(6) · the minute's first and last entry, in ms, or
--           0(6, 6) · tasks of the last(4)
--   brief   what moves need of the settings: on(1) · flags(1): keyed, stranger, has queues · generation(2) · own max_concurrent,
--           requests_per_min, max_waiting, max_waiting_bytes, or none(6 each) · tier, signing, queues: length(2) and text each
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

local client_brief, read_client, flush_clients

do -- a script may have 200 locals at most
  local CLIENT = { counts = '>I4I4I6I4I6I6I6I4', brief = '>c1BI2I6I6I6I6I2c0I2c0I2c0', none = 2 ^ 48 - 1 }

  -- The settings of a client, packed; nil when there is no such client.
  function client_brief(key)
    local f = call('HMGET', key, 'on', 'keyed', 'stranger', 'gen', 'max_concurrent', 'requests_per_min', 'max_waiting',
      'max_waiting_bytes', 'tier', 'signing', 'queues')
    if not f[1] then return nil end
    local tier, signing, queues = f[9] or 'default', f[10] or '', f[11] or ''
    local flags = (f[2] == '1' and 1 or 0) + (f[3] == '1' and 2 or 0) + (f[11] and 4 or 0)
    local function limit(text) return tonumber(text) or CLIENT.none end
    return pack(CLIENT.brief, f[1], flags, tonumber(f[4]) or 0, limit(f[5]), limit(f[6]), limit(f[7]), limit(f[8]), #tier, tier,
      #signing, signing, #queues, queues)
  end

  function read_client(id, key)
    local f = call('HMGET', key, 'counts', 'brief')
    local brief = f[2] or client_brief(key)
    if not brief then return false end
    local on, flags, gen, concurrent, per_min, waiting, waiting_bytes, tier, signing, allowed = unpack_struct(CLIENT.brief, brief)
    local running, live, bytes, sum, seen, first, last, last_n = 0, 0, 0, 0, 0, 0, 0, 0
    if f[1] then running, live, bytes, sum, seen, first, last, last_n = unpack_struct(CLIENT.counts, f[1]) end
    local limits, none = tier_limits(tier), CLIENT.none
    return {
      id = id, key = key, on = on, gen = gen, max_concurrent = concurrent < none and concurrent or limits[1],
      requests_per_min = per_min < none and per_min or limits[2], max_waiting = waiting < none and waiting,
      max_waiting_bytes = waiting_bytes < none and waiting_bytes, keyed = flags % 2 == 1, stranger = flags % 4 >= 2,
      queues = flags >= 4 and allowed, signing = signing ~= '' and signing, running = running, live = live, bytes = bytes, sum = sum,
      seen = seen, first = first, last = last, last_n = last_n, stored = f,
    }
  end

  function flush_clients()
    for id, c in pairs(clients) do
      if c and c.dirty and id ~= '' then
        write_packed(c.key, c.stored,
          pack(CLIENT.counts, c.running, c.live, c.bytes, math.max(0, c.sum), c.seen, c.first, c.last, c.last_n), client_brief)
      end
    end
  end
end

-- The owner '' is a queue itself: one of Cloud Tasks, which has no limits but its own, and no hash.
local function client(id)
  local c = clients[id]
  if c ~= nil then return c end
  if id == '' then
    c = { id = '', on = '1', gen = 0, max_concurrent = NEVER, requests_per_min = NEVER, running = 0, live = 0, bytes = 0 }
  else
    spend(15) -- and to write it back
    c = read_client(id, P .. 'client:' .. id)
  end
  clients[id] = c
  return c
end

-- Adds a waiting or running task to its owner (1), or removes it (-1); with this many bytes of body.
local function count_live(id, change, body)
  local c = client(id)
  if not c then return end
  c.live = math.max(0, c.live + change)
  c.bytes = math.max(0, c.bytes + change * body)
  c.dirty = true
  if c.stranger and (now - c.seen > 60000 or now < c.seen) then
    c.seen = now
    call('ZADD', P .. 'strangers', now, id)
  end
end
