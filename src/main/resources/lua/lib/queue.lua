-- queue: the settings and counters of a queue; `serve` alone decides whether it can be served now, and when to look next.
-- A queue of which `closed` is true accepts no tasks and gives none out, because it is about to be deleted. Where `gated` is true
-- the queue's own limits hold over all shards and bind nothing here: its gate (gates.lua) admits each claimed task. `room` is how
-- many tasks this shard may still try there: none once the gate refused one, NO_LIMIT until it does.
-- Two fields of `flow` are packed. A script that changes a setting deletes `brief`; the next move that writes the counts makes it again.
--   counts  running(4) · ready(4) · retry(4) · room + 1(4) · virtual time, turn, timer, tokens (doubles) · tokens_at(6); the tokens
--           of a gated queue are fields of their own, which its gate writes
--   brief   what moves need of the settings: flags(1): paused, closed, gated, has a rate · generation(4) · weight(4) ·
--           max_concurrent or none(6) · rate, burst (doubles) · policy, name: length(2) and text each
--@include lib/budget
--@include lib/tokens
local CLOSED, NO_LIMIT = 'x', -1
local queues = {}
local keeper_late = false
local queue, queue_brief, flush_queues

do -- a script may have 200 locals at most
  local QUEUE = { counts = '>I4I4I4I4ddddI6', brief = '>BI4I4I6ddI2c0I2c0', none = 2 ^ 48 - 1 }
  -- The settings of a queue, packed; nil when there is no such queue.
  function queue_brief(flow)
    local f = call('HMGET', flow, 'gen', 'paused', 'gated', 'weight', 'max_concurrent', 'rate', 'burst', 'policy', 'name')
    if not f[1] then return nil end
    local paused, policy, name = f[2] or '0', f[8] or '', f[9] or ''
    local flags = (paused ~= '0' and 1 or 0) + (string.sub(paused, 1, 1) == CLOSED and 2 or 0) + (f[3] == '1' and 4 or 0)
      + (f[6] and 8 or 0)
    return pack(QUEUE.brief, flags, tonumber(f[1]), tonumber(f[4]) or 1, tonumber(f[5]) or QUEUE.none, tonumber(f[6]) or 0,
      tonumber(f[7]) or 0, #policy, policy, #name, name)
  end

  function queue(n)
    local q = queues[n]
    if q ~= nil then return q end
    spend(12) -- and to write it back
    local flow = P .. 'queue:' .. n .. ':flow'
    local f = call('HMGET', flow, 'counts', 'brief')
    local brief = f[2] or queue_brief(flow)
    if brief then
      local flags, gen, weight, most, rate, burst, policy, name = unpack_struct(QUEUE.brief, brief)
      local running, ready, retry, room, vt, turn, timer, tokens, tokens_at = 0, 0, 0, 0, 0, 0, NEVER, 0, 0
      if f[1] then running, ready, retry, room, vt, turn, timer, tokens, tokens_at = unpack_struct(QUEUE.counts, f[1]) end
      q = {
        n = n, flow = flow, gen = gen, base = P .. 'queue:' .. n .. '.' .. gen .. ':', paused = flags % 2 == 1,
        closed = flags % 4 >= 2, gated = flags % 8 >= 4, weight = weight, max_concurrent = most < QUEUE.none and most or NEVER,
        rate = flags >= 8 and rate, burst = burst, policy = policy, name = name, running = running, ready = ready, retry = retry,
        room = room - 1, vt = vt, turn = turn, timer = timer, tokens = tokens, tokens_at = tokens_at, stored = f,
      }
    end
    queues[n] = q or false
    return queues[n]
  end

  function flush_queues()
    for _, q in pairs(queues) do
      if q and q.dirty then
        write_packed(q.flow, q.stored,
          pack(QUEUE.counts, q.running, q.ready, q.retry, q.room + 1, q.vt, q.turn, q.timer, q.tokens, q.tokens_at), queue_brief)
      end
    end
  end
end

--@include lib/serve
