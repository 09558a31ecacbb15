-- stranger: auto-registers a client, with the limits of the default tier.
local function stranger(owner)
  local key = P .. 'client:' .. owner
  call('HSET', key, 'on', 1, 'tier', 'default', 'stranger', 1, 'created', now, 'updated', now)
  call('ZADD', P .. 'clients', 0, owner)
  local c = read_client(owner, key)
  c.dirty = true
  clients[owner] = c
  return c
end
