-- reap: recovers expired leases; a lost lease is a failed attempt. The target was not at fault, and the task has waited for the
-- lease already, so its backoff is short; but a queue of Cloud Tasks has its own.
local LEASE_LOST, LOST_BACKOFF_MS = 7, 1000

local function lost(q, id, t, max_retries)
  t.flags, t.worker, t.error, t.status = 0, NOBODY, LEASE_LOST, 0
  local _, _, own = own_settings(t)
  local policy = retry_policy(own, q.policy, max_retries)
  call('RPUSH', P .. 'task:' .. id .. ':log',
    pack('>I2I6I4I2B', t.attempts, math.min(t.claim, now), math.max(0, now - math.min(t.claim, now)), 0, LEASE_LOST))
  call('LTRIM', P .. 'task:' .. id .. ':log', -10, -1)
  local c = client(t.owner)
  if t.cloud then t.last_ended = now end
  if spent(policy, t.attempts, t.first > 0 and now - t.first or 0) then
    finish(q, id, t, 'd')
    return '1'
  elseif not c or c.gen ~= t.client_gen then
    finish(q, id, t, 'c')
  else
    t.state = 't'
    local backoff = backoff_ms(policy, t.attempts)
    if not t.cloud then backoff = math.min(LOST_BACKOFF_MS, backoff) end
    set_due(t, math.max(now, (express(t) and t.run_at or now) + backoff))
    write_head(id, t)
    make_due(q, id, t)
  end
  return '0'
end

-- Returns the recovered tasks (id, name of the queue, '1' when it is dead, …), and whether there are more.
local function reap(lease_ms, floor)
  local spared, recovered = in_grace(lease_ms), {}
  clamp(P .. 'leases', shard().lease)
  if spared then return recovered, false end
  local ended = call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)
  for _, id in ipairs(ended) do
    if budget_left <= floor then return recovered, true end
    call('ZREM', P .. 'leases', id)
    local t = read_task(id)
    if t and t.state == 'a' then
      local q = queue(t.n)
      release(q, t)
      if t.flags >= PROBE then settle_probe(host_behind(id, read_front(id)), t.claim, false) end
      if outdated(q, t) then
        forget(id, t)
      elseif t.flags % 2 == CANCELLING then
        finish(q, id, t, 'c')
      else
        local dead = lost(q, id, t, max_retries)
        recovered[#recovered + 1], recovered[#recovered + 2], recovered[#recovered + 3] = id, q.name or '', dead
      end
      spend(25)
    end
  end
  return recovered, #ended == 100
end
