-- queue: the settings and counters of a queue; `serve` alone decides whether it can be served now, and when to look next.
-- A queue of which `closed` is true accepts no tasks and gives none out, because it is about to be deleted. Where `gated` is true
-- the queue's own limits hold over all shards and bind nothing here: its gate (gates.lua) admits each claimed task. `room` is how
-- many tasks this shard may still try there: none once the gate refused one, NO_LIMIT until it does.
--@include lib/budget
--@include lib/tokens
local CLOSED, NO_LIMIT = 'x', -1
local queues = {}
local keeper_late = false

local function queue(n)
  local q = queues[n]
  if q == nil then
    spend(12) -- and to write it back
    local flow = P .. 'queue:' .. n .. ':flow'
    local f = call('HMGET', flow, 'gen', 'paused', 'weight', 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at',
      'running', 'ready', 'retry', 'vt', 'turn', 'timer', 'policy', 'name', 'gated', 'room')
    if f[1] then
      q = {
        n = n, flow = flow, gen = tonumber(f[1]), base = P .. 'queue:' .. n .. '.' .. f[1] .. ':',
        paused = f[2] and f[2] ~= '0', closed = f[2] and string.sub(f[2], 1, 1) == CLOSED, gated = f[17] == '1',
        room = tonumber(f[18]) or NO_LIMIT,
        weight = tonumber(f[3]), max_concurrent = tonumber(f[4]) or NEVER, rate = tonumber(f[5]), burst = tonumber(f[6]),
        tokens = tonumber(f[7]) or 0, tokens_at = tonumber(f[8]) or 0, running = tonumber(f[9]) or 0,
        ready = tonumber(f[10]) or 0, retry = tonumber(f[11]) or 0, vt = tonumber(f[12]) or 0, turn = tonumber(f[13]) or 0,
        timer = tonumber(f[14]) or NEVER, policy = f[15], name = f[16], stored = f,
      }
    else
      q = false
    end
    queues[n] = q
  end
  return q
end

-- Records a field for write_queue when it differs from the value read.
-- Most moves change one or two fields.
local function write_queue(q, f)
  local sets = {}
  local at = note(sets, 0, 'running', q.running, f[9])
  at = note(sets, at, 'ready', q.ready, f[10])
  at = note(sets, at, 'retry', q.retry, f[11])
  at = note(sets, at, 'vt', q.vt, f[12])
  at = note(sets, at, 'turn', q.turn, f[13])
  at = note(sets, at, 'timer', q.timer, f[14])
  if q.gated then at = note(sets, at, 'room', q.room, f[18] or NO_LIMIT) end
  if q.rate then
    at = note(sets, at, 'tokens', q.tokens, f[7])
    if q.tokens_at ~= tonumber(f[8]) then
      sets[at + 1], sets[at + 2] = 'tokens_at', text(q.tokens_at)
      at = at + 2
    end
  end
  if at > 0 then call('HSET', q.flow, unpack(sets, 1, at)) end
end

local function flush_queues()
  for _, q in pairs(queues) do
    if q and q.dirty then
      if q.stored then
        write_queue(q, q.stored)
      else -- only the running count was read (see release)
        call('HSET', q.flow, 'running', q.running)
      end
    end
  end
end

--@include lib/serve
