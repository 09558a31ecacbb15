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

--@include lib/gate

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
