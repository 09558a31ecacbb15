-- gates: a worker's messages and questions to the home shard of some gates. A gate limits how many tasks run at once, or begin in a second,
-- over all shards: those of a queue ('q:' and its number) or of a host ('h:' and its name). A task inside is identified by task and
-- claim, so that every call may be lost, late or repeated without freeing the place of another. A shard that found no room is notified when
-- there is some: that room is promised to it for PROMISE_MS, so that no other shard takes it meanwhile.
-- ARGV   now, shard, worker (hex), lease_ms, then for each: what (e enter, k keep: it still runs, f free, u free what did not run,
--        so that its token comes back, n a promise is not needed, w want), gate, and the task's id and claim (for e also an
--        older claim of the same worker, if there is one), or for w how many tasks wait
-- REPLY  for each in turn. e: -1 when it is inside, else the ms until it should ask again. w: how many may be tried, or minus those ms.
--        Others: 0
--@include lib/base
--@include lib/tokens
--@include lib/clock
local here, worker, lease_ms = ARGV[2], ARGV[3], tonumber(ARGV[4])
local FIRST, STRIDE = 5, 3
local TASK, RUN = 16, 22 -- bytes of a task's id, and of it and its claim
local PROMISE_MS, WANTING_MS, ASK_AGAIN_MS, BATCH_MS, KEPT_MS = 1000, 10000, 3000, 20, 2 * 86400000
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local spared, gates = in_grace(lease_ms), {}

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

-- `before` is an older claim of the same task, whose place it takes over.
local function enter(g, run, before)
  if not g.limited or call('ZSCORE', g.inside, 'r' .. run) then return -1 end
  if before and call('ZREM', g.inside, 'r' .. before) == 1 then
    put(g, 'r' .. run, 2 * lease_ms)
  elseif g.running <= g.max and redeem(g) then -- a promise from before the limit was lowered is void
    put(g, 'r' .. run, 2 * lease_ms)
  elseif free_at(g) >= 1 then
    take(g, 'r' .. run, 2 * lease_ms)
  else
    return wait_ms(g)
  end
  return -1
end

local function want(g, count)
  if not g.limited then return count end
  local room = math.min(count, free_at(g))
  if room < 1 then return -wait_ms(g) end
  promise(g, here, room)
  return room
end

-- Free places are given to the shards that want them, in the order of their requests.
local function announce(g)
  while free_at(g) >= 1 do
    local first = call('ZPOPMIN', g.wanting)
    if not first[1] then return end
    if tonumber(first[2]) >= now then
      local to, who = string.match(first[1], '^(%d+):(.*)$')
      promise(g, to, 1)
      call('PUBLISH', string.match(P, '^(.-){') .. '{' .. to .. '}:wake:' .. who, 'room' .. g.what)
    end
  end
end

-- A promise to this shard is of no use to it: another shard may have the place.
local function renounce(g)
  if not redeem(g) then return end
  g.running = g.running - 1
  if g.rate then g.tokens = math.min(g.burst, g.tokens + 1) end
  announce(g)
end

local function leave(g, run, unused)
  if call('ZREM', g.inside, 'r' .. run) == 0 then return end
  g.running = g.running - 1
  if unused and g.rate then g.tokens = math.min(g.burst, g.tokens + 1) end
  announce(g)
end

for at = FIRST, #ARGV, STRIDE do
  local g = load(ARGV[at + 1])
  if g.expired then announce(g) end -- places unused by others
  g.expired = false
end
local replies = {}
for at = FIRST, #ARGV, STRIDE do
  local what, g, run, reply = ARGV[at], load(ARGV[at + 1]), ARGV[at + 2], 0
  if what == 'e' then
    reply = enter(g, string.sub(run, 1, RUN), #run > RUN and string.sub(run, 1, TASK) .. string.sub(run, RUN + 1))
  elseif what == 'w' then
    reply = want(g, tonumber(run))
  elseif what == 'n' then
    renounce(g)
  elseif what == 'k' then
    if g.limited then put(g, 'r' .. run, 2 * lease_ms) end
  else
    leave(g, run, what == 'u')
  end
  replies[#replies + 1] = reply
end
for _, g in pairs(gates) do
  if g.dirty then call('HSET', g.flow, 'tokens', g.tokens, 'tokens_at', text(g.tokens_at)) end
end
flush_shard()
return replies
