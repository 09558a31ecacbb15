-- put_queue: creates a queue, or replaces its settings; its tasks and its pause are kept, and a closed one is reopened.
-- `gen` is its first generation, `from` where the fields of `flow` that can be set begin in ARGV: name and value alternately; an
-- empty value is none. Settings of a lower `rev` than the current one are ignored: a later change overtook them.
--@include lib/open_queue
local function put_queue(n, gen, from)
  local old = queue(n)
  local flow = P .. 'queue:' .. n .. ':flow'
  for at = from, #ARGV, 2 do
    if ARGV[at] == 'rev' and tonumber(ARGV[at + 1]) < tonumber(call('HGET', flow, 'rev') or 0) then return end
  end
  if not old then call('HSET', flow, 'gen', text(gen)) end
  for at = from, #ARGV, 2 do
    if ARGV[at + 1] == '' then call('HDEL', flow, ARGV[at]) else call('HSET', flow, ARGV[at], ARGV[at + 1]) end
  end
  open_queue(n)
  call('HDEL', flow, 'brief')
  queues[n] = nil
  local q = queue(n)
  q.room, q.dirty = NO_LIMIT, true -- the gate is tried again
  if old and call('ZSCORE', P .. 'busy', n) then
    shard().weights = shard().weights + q.weight - old.weight
    shard().dirty = true
  end
  if old and old.gated then
    local f = call('HMGET', flow, 'tokens', 'tokens_at')
    old.tokens, old.tokens_at = tonumber(f[1]) or 0, tonumber(f[2]) or 0
  end
  if q.rate and not (old and old.rate) then
    q.tokens, q.tokens_at, q.dirty = q.burst, now, true
  elseif q.rate then
    refill(old) -- the time until now counts at the rate that was in force
    q.tokens, q.tokens_at, q.dirty = math.min(old.tokens, q.burst), now, true
  end
  if q.rate and q.gated then call('HSET', flow, 'tokens', q.tokens, 'tokens_at', now_text) end
  for _, set in ipairs({ 'done', 'dead' }) do -- a bound may be lower than the number kept
    if old and call('HSETNX', flow, 'trimming_' .. set, 1) == 1 then call('RPUSH', P .. 'drain', 'trim:' .. n .. ':' .. set) end
  end
  q.due_dirty = true
  local open = serve(q)
  flush_queues()
  flush_shard()
  if open or keeper_late then wake() end
end
