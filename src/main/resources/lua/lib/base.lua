-- base: the time, the keys' common beginning, and what every script shares.
-- KEYS[1] is the shard's hash, KEYS[2] a key that never exists; both share the hash tag of every other key.
-- ARGV[1] is the time in ms since the epoch that a test injects; empty for the server's own clock.
local P = string.sub(KEYS[1], 1, -6)
local NEVER = 2 ^ 53 - 1
local PARKED = 2 ^ 52
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local call, pack, unpack_struct = redis.call, struct.pack, struct.unpack

-- A large number as an argument: Redis prints a number argument with 17 digits, at ten times the cost.
local function text(number)
  return string.format('%d', number)
end
local now_text = text(now)

-- Work left when a script ends, before it writes back its changes; returns whether there is more to claim.
local at_close = nil

local loaded_shard = nil
local function shard()
  if not loaded_shard then
    local f = call('HMGET', KEYS[1], 'v', 'weights', 'keeper', 'keeper_at', 'beat', 'grace', 'paused', 'hide_ms',
      'lease')
    loaded_shard = {
      v = tonumber(f[1]) or 0, weights = tonumber(f[2]) or 0, keeper = f[3] or '', keeper_at = tonumber(f[4]) or NEVER,
      beat = tonumber(f[5]) or 0, grace = tonumber(f[6]) or 0, paused = f[7] == '1',
      hide_ms = tonumber(f[8]) or 10000, lease = tonumber(f[9]) or 0, stored = f,
    }
  end
  return loaded_shard
end

-- Writes packed counters where they changed, and packed settings where some script deleted them: see lib/queue, lib/client.
local function write_packed(key, stored, counts, brief_of)
  if not stored[2] then
    call('HSET', key, 'counts', counts, 'brief', brief_of(key))
  elseif counts ~= stored[1] then
    call('HSET', key, 'counts', counts)
  end
end

local flush_shard

do -- a script may have 200 locals at most
  -- Adds a field to those that are to be written, unless this number is stored. Returns where the next one goes.
  local function note(sets, at, name, value, stored)
    if value == tonumber(stored) then return at end
    sets[at + 1], sets[at + 2] = name, value
    return at + 2
  end

  function flush_shard()
    local s = loaded_shard
    if not s or not s.dirty then return end
    local sets, f = {}, s.stored
    local at = note(sets, 0, 'v', s.v, f[1])
    at = note(sets, at, 'weights', s.weights, f[2])
    at = note(sets, at, 'keeper_at', s.keeper_at, f[4])
    at = note(sets, at, 'beat', s.beat, f[5])
    at = note(sets, at, 'grace', s.grace, f[6])
    if s.keeper ~= f[3] then sets[at + 1], sets[at + 2], at = 'keeper', s.keeper, at + 2 end
    if at > 0 then call('HSET', KEYS[1], unpack(sets, 1, at)) end
  end
end
