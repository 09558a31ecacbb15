-- alive: whether a task is still visible to readers: not purged, not deleted with its client, not hidden.
-- Returns its state as readers see it; nil when it is not visible.
local function visible_state(t)
  if t.state == 'k' or t.state == 'c' then
    -- Without a retention only a hidden head is left, also after the clock was set back.
    return t.retention > 0 and now < t.ended + t.retention * 1000 and t.state or nil
  elseif t.state == 'd' then
    return 'd'
  end
  local q = queue(t.n)
  if not q or q.gen ~= t.gen then return nil end
  local c = client(t.owner)
  if t.state == 'a' then return t.flags % 2 == CANCELLING and 'c' or 'a' end
  return c and c.gen == t.client_gen and t.state or 'c'
end
