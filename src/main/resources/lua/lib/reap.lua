-- reap: takes ended leases back, at most 100; a lost lease is a failed attempt. After a gap in the beats, or a clock set
-- back, nothing is taken back for one lease, so that workers that outlived an outage renew first.
local LEASE_LOST = 7

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
    return 1
  elseif not c or c.gen ~= t.client_gen then
    finish(q, id, t, 'c')
  else
    t.state = 't'
    set_due(t, math.max(now, (express(t) and t.run_at or now) + backoff_ms(policy, t.attempts)))
    write_head(id, t)
    make_due(q, id, t)
  end
  return 0
end

local function reap(max_retries, probes_max, open_ms, lease_ms)
  local s, recovered = shard(), {}
  if now < s.beat or now - s.beat > lease_ms / 2 then s.grace = now + lease_ms end
  if s.grace > now + lease_ms then s.grace = now + lease_ms end
  s.beat, s.dirty = now, true
  if now < s.grace then return recovered end
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)) do
    call('ZREM', P .. 'leases', id)
    local t = read_task(id)
    if t and t.state == 'a' then
      local q = queue(t.n)
      release(q, t)
      if t.flags >= PROBE then
        settle_probe(host_of(parse(call('GET', P .. 'task:' .. id))), t.claim, 'b', probes_max, open_ms)
      end
      if outdated(q, t) then
        forget(id, t)
      elseif t.flags % 2 == CANCELLING then
        finish(q, id, t, 'c')
      else
        recovered[#recovered + 1] = id .. pack('>I4B', t.n, lost(q, id, t, max_retries))
      end
    end
  end
  return recovered
end
