-- stranger: auto-registers a client, with the limits of the default tier.
local function stranger(owner)
  local c = { id = owner, on = '1', gen = 0, running = 0, live = 0, bytes = 0, sum = 0, seen = 0, stranger = true, dirty = true }
  c.max_concurrent, c.requests_per_min = unpack(tier_limits('default'))
  call('HSET', P .. 'client:' .. owner, 'on', 1, 'tier', 'default', 'stranger', 1, 'created', now, 'updated', now)
  call('ZADD', P .. 'clients', 0, owner)
  clients[owner] = c
  return c
end
