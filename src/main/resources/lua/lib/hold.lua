-- hold: a task waits for its host's gate or breaker in `due`, behind all times, and in `held:<host>` by its own. One that is cancelled
-- or purged meanwhile may remain in `held:<host>`, where it means nothing.
local function hold(q, id, t, host)
  t.state = t.attempts > 0 and 't' or 's'
  write_head(id, t)
  make_due(q, id, t, PARKED + t.due)
  call('ZADD', P .. 'held:' .. host, text(t.due), id)
end
