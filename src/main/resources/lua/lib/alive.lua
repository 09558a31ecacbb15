-- alive: whether a task still stands for those who look: not purged, not deleted with its client, not hidden.
-- Says its state as a reader sees it; nil when it is gone.
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
