-- refusal: the replies of an enqueue, and why one is refused.
local function reply(word, id, due, c, limits, retry_ms)
  if not c then return pack('>c1c16I6I4I4I4I6I6', word, id, due, 0, 0, 0, 0, 0) end
  return pack('>c1c16I6I4I4I4I6I6', word, id, due, limits[1], limits[2], math.max(0, limits[2] - c.sum),
    full_again_at(c), math.max(0, retry_ms))
end

-- Writes the same expiry, or none: unlike a write of bytes, Redis accepts that when its memory is full.
local function write_again(key)
  local left_ms = call('PTTL', key)
  call('PEXPIRE', key, left_ms < 0 and key_ttl_ms or math.max(1, left_ms))
  if left_ms < 0 then call('PERSIST', key) end
end

-- When the task of this id is due, which an earlier call with an unknown result put here; '' for none.
local function due_before(id)
  local key = P .. 'task:' .. id
  local known = call('GETRANGE', key, AT.due, AT.due + 5)
  if known ~= '' then write_again(key) end
  return known
end

local function refusal(owner, proof, n, name)
  local c = client(owner)
  if c then
    if c.on ~= '1' then return 'x' end
    if proof == 'o' and (c.keyed or not open) then return 'k' end
  elseif proof == 'k' or not open then
    return proof == 'o' and 'k' or 'w'
  elseif call('ZCARD', P .. 'strangers') >= strangers_max then
    return 'm'
  end
  local q = queue(n)
  if not q or q.closed then return 'q' end
  if c and c.queues and not string.find(c.queues, ',' .. name .. ',', 1, true) then return 'n' end
end

-- What keeps a new task from starting now, as far as is known here without reading more.
local function held_by(q, c, limits, due)
  if q.paused then return 1 end
  if due > now then return 4 end
  if c.running >= limits[1] then return 2 end
  return has_room(q) and 0 or 3
end
