--@include lib/put_back

-- KIND   s succeed, r retry, d bury, b put back, h held by a gate, c cancel
local function apply(q, id, t, kind, delay_ms, status, error, entry)
  if kind ~= 'b' and kind ~= 'h' then
    t.status, t.error = status, error
    if status > 0 and status < 500 then t.answers = math.min(t.answers + 1, 65535) end
    if t.cloud then
      t.last_ended = now
      if status > 0 then t.responses = math.min(t.responses + 1, 65535) end
    end
  end
  if outdated(q, t) then
    forget(id, t)
    return
  end
  local gate
  if kind == 'h' then gate, entry = entry, '' end
  local c = client(t.owner)
  local waits_again = kind == 'r' or kind == 'b' or kind == 'h'
  if t.flags % 2 == CANCELLING or (waits_again and (not c or c.gen ~= t.client_gen)) then kind = 'c' end
  t.flags = 0
  if kind == 's' then
    if t.attempts > 1 and t.retention > 0 then log_attempt(id, t, entry) end
    finish(q, id, t, 'k')
  elseif kind == 'c' then
    if t.retention > 0 then log_attempt(id, t, entry) end
    finish(q, id, t, 'c')
  elseif kind == 'd' then
    log_attempt(id, t, entry)
    finish(q, id, t, 'd')
  elseif kind == 'r' then
    spend(10)
    log_attempt(id, t, entry)
    t.state = 't'
    set_due(t, now + delay_ms)
    write_head(id, t)
    make_due(q, id, t)
  elseif kind == 'h' then
    hold_at(q, id, t, gate, delay_ms)
  else
    put_back(q, id, t, delay_ms)
  end
end
