-- queue: what a queue obeys and counts; `serve` alone decides whether it can be served now, and when to look next.
-- A queue of which `closed` is true takes nothing in and gives nothing out, since it is about to be deleted. Where `permits` is
-- true the queue's own limits are over all shards: another place gives out permits (see permit.lua), and they bind nothing here.
local CLOSED = 'x'
local queues = {}
local keeper_late = false

local function queue(n)
  local q = queues[n]
  if q == nil then
    local flow = P .. 'queue:' .. n .. ':flow'
    local f = call('HMGET', flow, 'gen', 'paused', 'weight', 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at',
      'running', 'ready', 'retry', 'vt', 'turn', 'timer', 'policy', 'name', 'permits')
    if f[1] then
      q = {
        n = n, flow = flow, gen = tonumber(f[1]), base = P .. 'queue:' .. n .. '.' .. f[1] .. ':',
        paused = f[2] and f[2] ~= '0', closed = f[2] and string.sub(f[2], 1, 1) == CLOSED, permits = f[17] == '1',
        weight = tonumber(f[3]), max_concurrent = tonumber(f[4]) or NEVER, rate = tonumber(f[5]), burst = tonumber(f[6]),
        tokens = tonumber(f[7]) or 0, tokens_at = tonumber(f[8]) or 0, running = tonumber(f[9]) or 0,
        ready = tonumber(f[10]) or 0, retry = tonumber(f[11]) or 0, vt = tonumber(f[12]) or 0, turn = tonumber(f[13]) or 0,
        timer = tonumber(f[14]) or NEVER, policy = f[15], name = f[16],
      }
    else
      q = false
    end
    queues[n] = q
  end
  return q
end

local function flush_queues()
  for _, q in pairs(queues) do
    if q and q.dirty then
      call('HSET', q.flow, 'running', q.running, 'ready', q.ready, 'retry', q.retry, 'vt', q.vt, 'turn', q.turn,
        'timer', q.timer)
      if q.rate then call('HSET', q.flow, 'tokens', q.tokens, 'tokens_at', q.tokens_at) end
    end
  end
end

-- Brings the bucket of a queue with a rate up to now; a clock set back adds nothing.
local function refill(q)
  if now > q.tokens_at then
    q.tokens = math.min(q.burst, q.tokens + (now - q.tokens_at) * q.rate / 1000)
  end
  q.tokens_at = now
  q.dirty = true
end

local function set_timer(q, at)
  if at == q.timer then return end
  if at == NEVER then call('ZREM', P .. 'timers', q.n) else call('ZADD', P .. 'timers', at, q.n) end
  q.timer = at
  q.dirty = true
  if at < shard().keeper_at then keeper_late = true end
end

-- Puts a queue into `busy` exactly when it can be served, and its next due time or token into `timers`.
-- q.first, the lowest turn, and q.busy, whether it is there, are read when they are not known.
local function serve(q)
  if q.first == nil then
    q.first = tonumber(call('ZRANGE', q.base .. 'turns', 0, 0, 'WITHSCORES')[2]) or NEVER
  end
  local open = not q.paused and q.first < PARKED and (q.permits or q.running < q.max_concurrent)
  local token_at = NEVER
  if open and q.rate and not q.permits then
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
  if q.due_dirty or (q.rate and not q.permits) then
    local due = tonumber(call('ZRANGE', q.base .. 'due', 0, 0, 'WITHSCORES')[2]) or NEVER
    set_timer(q, math.min(due, token_at))
    q.due_dirty = false
  end
  return open
end
