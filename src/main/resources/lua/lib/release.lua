-- release: an active task releases its places in its queue's and its client's counts.
local served_later, unparked_later = {}, {}

-- Of the queue of an ended attempt, usually only its generation and its running count are needed; so only these are read, and
-- the rest when it is first needed.
local function read_rest(q, field)
  setmetatable(q, nil)
  queues[q.n] = nil
  local whole = queue(q.n)
  queues[q.n], q.stored = q, whole.stored
  for name, value in pairs(whole) do
    if q[name] == nil then q[name] = value end
  end
  return q[field]
end

local function queue_of_ended(n)
  if queues[n] ~= nil then return queues[n] end
  spend(8)
  local flow = P .. 'queue:' .. n .. ':flow'
  local f = call('HMGET', flow, 'gen', 'running', 'max_concurrent')
  queues[n] = f[1] and setmetatable({
    n = n, flow = flow, gen = tonumber(f[1]), running = tonumber(f[2]) or 0, max_concurrent = tonumber(f[3]) or NEVER,
    stored = false, dirty = false, full = false, due_dirty = false, stale = false, caps = false,
  }, { __index = read_rest })
  return queues[n]
end

local function release(q, t)
  if q then
    if not express(t) then
      if q.running >= q.max_concurrent and not q.full then
        q.full = true
        spend(25) -- to serve it again
      end
      q.running = math.max(0, q.running - 1)
    end
    q.dirty, served_later[q] = true, true
  end
  local c = client(t.owner)
  if c then
    c.running = math.max(0, c.running - 1)
    c.dirty, unparked_later[t.owner] = true, true
  end
end

-- Admits tasks into the released places; once, at the end of a script.
local function readmit()
  for owner in pairs(unparked_later) do unpark(owner) end
  for q in pairs(served_later) do
    if q.full or q.due_dirty or q.stale then
      local was = q.busy
      if serve(q) and not was then wake_wanted = true end
    end
  end
end

-- Whether the task is of a generation that was purged, or of a deleted queue: it leaves nothing behind.
local function outdated(q, t)
  return not q or q.gen ~= t.gen
end
