-- hosts: targets with limits of their own (`hosts`), of which each task passes a gate. Where the gate is known to be full, a claim sets
-- the task aside (lib/hold), so that the tasks behind it are reached.
--@include lib/host_names
--@include lib/hold
local limited, rooms = {}, {}

-- The host that a task goes to, with its port where that has limits of its own; nil when it has none.
local function limited_host(id, t)
  local whole = host_behind(id, t)
  local host = limited[whole]
  if host == nil then
    host = false
    for _, name in ipairs(host_names(whole)) do
      host = host or (call('SISMEMBER', P .. 'hosts', name) == 1 and name)
    end
    limited[whole] = host
  end
  return host or nil
end

local function room_at(host)
  if not rooms[host] then rooms[host] = tonumber(call('HGET', P .. 'rooms', 'h:' .. host)) or NO_LIMIT end
  return rooms[host]
end

-- A task is tried at its host's gate. Returns whether that used up the room that others wait for.
local function use_room(host)
  if room_at(host) == NO_LIMIT then return false end
  rooms[host] = rooms[host] - 1
  if rooms[host] > 0 or call('EXISTS', P .. 'held:' .. host) == 1 then
    call('HSET', P .. 'rooms', 'h:' .. host, rooms[host])
    return rooms[host] == 0
  end
  rooms[host] = NO_LIMIT
  call('HDEL', P .. 'rooms', 'h:' .. host)
  return false
end
