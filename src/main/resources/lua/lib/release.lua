-- release: an active task releases its places in its queue's and its client's counts.
local served_later, unparked_later = {}, {}

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
