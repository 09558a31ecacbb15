-- serve: whether a queue can be served: then it is in `busy`.
local function set_timer(q, at)
  if at == q.timer then return end
  if at == NEVER then call('ZREM', P .. 'timers', q.n) else call('ZADD', P .. 'timers', text(at), q.n) end
  q.timer = at
  q.dirty = true
  if at < shard().keeper_at then keeper_late = true end
end

-- Whether one more task of the queue may run, as far as this shard knows.
local function has_room(q)
  if q.gated then return q.room ~= 0 end
  return q.running < q.max_concurrent
end

-- Puts a queue into `busy` exactly when it can be served, and its next due time or token into `timers`; what was there for a
-- token stays until it is over, when `ready_due` checks again.
-- q.first, the lowest turn, and q.busy, whether it is there, are read when they are not known.
local function serve(q)
  if q.first == nil then
    q.first = tonumber(call('ZRANGE', q.base .. 'turns', '0', '0', 'WITHSCORES')[2]) or NEVER
  end
  local open = not q.paused and q.first < PARKED and has_room(q)
  local token_at = NEVER
  if open and q.rate and q.tokens < 1 and not q.gated then
    refill(q)
    if q.tokens < 1 then
      open = false
      token_at = now + math.ceil((1 - q.tokens) * 1000 / q.rate)
    end
  end
  if q.busy == nil then q.busy = call('ZSCORE', P .. 'busy', q.n) and true end
  if open ~= (q.busy or false) then
    local s = shard()
    if open then
      q.vt = math.max(q.vt, s.v)
      call('ZADD', P .. 'busy', q.vt, q.n)
      s.weights = s.weights + q.weight
    else
      call('ZREM', P .. 'busy', q.n)
      s.weights = s.weights - q.weight
    end
    q.busy, q.dirty, s.dirty = open, true, true
  end
  if q.due_dirty then
    local due = tonumber(call('ZRANGE', q.base .. 'due', '0', '0', 'WITHSCORES')[2]) or NEVER
    if due >= PARKED then due = NEVER end -- tasks that wait for their host's gate
    set_timer(q, math.min(due, token_at))
    q.due_dirty = false
  elseif token_at < q.timer then
    set_timer(q, token_at)
  end
  return open
end
