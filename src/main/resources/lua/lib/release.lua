-- release: an active task gives back its places in its queue's and its client's counts.
local served_later, unparked_later = {}, {}

local function release(q, t)
  if q then
    if not express(t) then q.running = math.max(0, q.running - 1) end
    q.dirty, served_later[q] = true, true
  end
  local c = client(t.owner)
  if c then
    c.running = math.max(0, c.running - 1)
    c.dirty, unparked_later[t.owner] = true, true
  end
end

-- Lets in what the released places make room for; once, at the end of a script.
local function readmit()
  for owner in pairs(unparked_later) do unpark(owner) end
  for q in pairs(served_later) do
    local was = q.busy
    if q.max_concurrent ~= NEVER or q.due_dirty or q.stale then
      if serve(q) and not was then wake_wanted = true end
    end
  end
end

-- Whether the task is of a generation that was purged, or of a queue that is gone: it leaves nothing behind.
local function outdated(q, t)
  return not q or q.gen ~= t.gen
end
