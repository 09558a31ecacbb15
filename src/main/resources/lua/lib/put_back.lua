-- put_back: attempts are logged, and tasks wait again without having used one.
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
