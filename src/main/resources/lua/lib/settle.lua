-- settle: applies a verdict to a task that ran.
local function log_attempt(id, t, entry)
  if entry == '' then return end
  call('RPUSH', P .. 'task:' .. id .. ':log', entry)
  call('LTRIM', P .. 'task:' .. id .. ':log', -10, -1)
end

local function put_back(q, id, t, delay_ms)
  spend(10)
  if express(t) then -- it was requested, and still is
    t.worker = NOBODY
    write_head(id, t)
    call_for(id)
    return
  end
  t.attempts = math.max(0, t.attempts - 1)
  if t.attempts == 0 then t.first = 0 end
  if t.cloud then t.last_ended = now end
  if delay_ms > 0 then
    t.state = t.attempts > 0 and 't' or 's'
    set_due(t, now + delay_ms)
    write_head(id, t)
    make_due(q, id, t)
  else
    t.state = 'r'
    write_head(id, t)
    make_ready(q, id, t)
  end
end

-- A gate rejected the task: it made no attempt. It waits for its host's gate in `held:<host>`, for its queue's where it was, and its
-- queue is not served until the gate has room.
local function hold_at(q, id, t, gate, wait_ms)
  local host = string.match(gate, '^h:(.*)$')
  shut(gate, wait_ms)
  if host then
    t.attempts = math.max(0, t.attempts - 1)
    if t.attempts == 0 then t.first = 0 end
    hold(q, id, t, host)
    call('HSETNX', P .. 'rooms', gate, 0)
    return
  end
  if q.room == NO_LIMIT then q.room = 0 end
  if q.room == 0 then q.vt = q.vt - 1 / q.weight end -- its turn started nothing
  put_back(q, id, t, 0)
  serve(q)
end

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
