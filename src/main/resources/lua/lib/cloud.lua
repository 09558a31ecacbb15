-- cloud: the tasks of a queue of Cloud Tasks are in its `all` while they live, by creation time; `ages` holds for each
-- such queue when the oldest of them was made, or earlier. The name of a task that was given one is `key:q:<n>:<digest>` -> its
-- id, then l while it lives, o once it is over. A name always expires: at the latest when its task could have been deleted.
local LIFE_MS = 31 * 86400000
local AHEAD_MS = 30 * 86400000

local function all_of(t)
  return P .. 'queue:' .. t.n .. '.' .. t.gen .. ':all'
end

local function name_key(n, digest)
  return P .. 'key:q:' .. n .. ':' .. digest
end

-- When the life of a task is said to begin: one that is due later than usual lives for longer.
local function born(due)
  return math.max(now, due - AHEAD_MS)
end

local function take_name(n, digest, id, at, taken_ms)
  call('SET', name_key(n, digest), id .. 'l', 'PX', text(at + LIFE_MS - now + taken_ms))
end

-- An attempt requested by RunTask is held by no worker until one takes it off `express`; it cannot be lost before that.
-- All subscribed workers are notified, because it uses slots that even a full worker has.
local function call_for(id)
  call('ZADD', P .. 'leases', text(NEVER), id)
  call('RPUSH', P .. 'express', id)
  for _, channel in ipairs(call('PUBSUB', 'CHANNELS', P .. 'wake:*')) do call('PUBLISH', channel, 'express') end
end

-- A task that was over lives again; its name is its own again, unless another has it by now.
local function list(id, t, at)
  call('ZADD', all_of(t), text(at), id)
  call('ZADD', P .. 'ages', 'LT', text(at), t.n)
  if t.name then
    local taken = call('GET', name_key(t.n, t.name))
    if not taken or string.sub(taken, 1, 16) == id then take_name(t.n, t.name, id, at, t.name_taken) end
  end
end

-- A task has ended: its name stays reserved for a while, unless its queue was deleted.
local function unlist(id, t)
  call('ZREM', all_of(t), id)
  if not t.name then return end
  local key = name_key(t.n, t.name)
  if call('GET', key) ~= id .. 'l' then return end
  if t.name_taken > 0 and queue(t.n) then
    call('SET', key, id .. 'o', 'PX', t.name_taken)
  else
    call('DEL', key)
  end
end

-- The task with a name: its id and whether it lives, or false. A purged task is over, though `tidy` has not come to it, or it still runs.
local function holder(n, digest)
  local taken = call('GET', name_key(n, digest))
  if not taken or string.sub(taken, 17) == 'o' then return taken end
  local id, q = string.sub(taken, 1, 16), queue(n)
  local t = read_task(id)
  if t and q and t.gen ~= q.gen then
    unlist(id, t)
    return call('GET', name_key(n, digest))
  end
  return taken
end
