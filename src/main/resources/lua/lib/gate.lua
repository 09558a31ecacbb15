-- gate: the places and tokens of one gate, and the promises of them.
local function is_promise(member)
  return string.byte(member) == 112 -- 'p'; running tasks begin with 'r'
end

-- Expired places are free; the token of an unused promise is returned. After an outage only what may still run
-- is spared, and that no promise does.
local function expire(g)
  for _, member in ipairs(call('ZRANGEBYSCORE', g.inside, '-inf', now, 'LIMIT', 0, 500)) do
    local promised = is_promise(member)
    if promised or not spared then call('ZREM', g.inside, member) end
    if promised then g.expired = true end
    if promised and g.rate then g.tokens = math.min(g.burst, g.tokens + 1) end
  end
  if not spared then clamp(g.inside, 2 * shard().lease) end
end

local function load(what)
  local g = gates[what]
  if g then return g end
  local kind, name = string.match(what, '^(.):(.*)$')
  local flow = P .. (kind == 'q' and 'queue:' .. name .. ':flow' or 'host:' .. name)
  local f = call('HMGET', flow, 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at')
  g = { what = what, flow = flow, inside = P .. 'gate:' .. what, wanting = P .. 'wanting:' .. what, limited = f[1] or f[2],
    max = tonumber(f[1]) or NEVER, rate = tonumber(f[2]), burst = tonumber(f[3]), tokens = tonumber(f[4]) or 0,
    tokens_at = tonumber(f[5]) or 0 }
  if g.rate then refill(g) end
  expire(g)
  g.running = call('ZCARD', g.inside)
  gates[what] = g
  return g
end

local function put(g, member, lasts_ms)
  call('ZADD', g.inside, text(now + lasts_ms), member)
  call('PEXPIRE', g.inside, KEPT_MS)
end

-- How many more may be admitted now.
local function free_at(g)
  local places = g.max - g.running
  return g.rate and math.min(places, math.floor(g.tokens)) or places
end

local function take(g, member, lasts_ms)
  put(g, member, lasts_ms)
  g.running = g.running + 1
  if g.rate then g.tokens = g.tokens - 1 end
end

-- When to ask again: at the next token, or later, because a free place is announced to those that want it.
local function wait_ms(g)
  if g.running < g.max then return math.max(BATCH_MS, math.ceil((1 - g.tokens) * 1000 / g.rate)) end
  call('ZADD', g.wanting, text(now + WANTING_MS), here .. ':' .. worker)
  call('PEXPIRE', g.wanting, WANTING_MS)
  return ASK_AGAIN_MS
end

local function promise(g, to, count)
  local key = P .. 'promised:' .. g.what
  local last = call('HINCRBY', key, to, count)
  call('PEXPIRE', key, KEPT_MS)
  for i = last - count + 1, last do take(g, 'p' .. to .. '#' .. i, PROMISE_MS) end
end

-- Uses a promise to this shard, if one is left: its place and its token are taken already.
local function redeem(g)
  local key = P .. 'promised:' .. g.what
  local last = tonumber(call('HGET', key, here)) or 0
  while last > 0 do
    local left = call('ZREM', g.inside, 'p' .. here .. '#' .. last) == 1
    last = last - 1
    if last > 0 then call('HSET', key, here, last) else call('HDEL', key, here) end
    if left then return true end
  end
  return false
end
