-- clock: notices that no worker reached this shard for a while, or that Redis' clock was set far back. For one lease after that
-- nothing runs out, so that workers that survived an outage renew first. Smaller steps of the clock only shift when a lease ends.
local GAP_MS = 1500 -- workers beat each second

-- Whether leases and places inside gates are spared now. `lease_ms` is the caller's; the longest that was seen bounds every end.
local function in_grace(lease_ms)
  local s = shard()
  if lease_ms > s.lease then
    s.lease = lease_ms
    call('HSET', KEYS[1], 'lease', lease_ms)
  end
  if math.abs(now - s.beat) > math.max(lease_ms / 2, GAP_MS) then s.grace = now + s.lease end
  s.grace = math.min(s.grace, now + s.lease)
  s.beat, s.dirty = now, true
  return now < s.grace
end

-- Ends that lie further ahead than any lease are of before the clock was set back: they are moved to where a lease ends.
local function clamp(key, longest_ms)
  local ahead = call('ZRANGEBYSCORE', key, '(' .. text(now + longest_ms), '(' .. text(NEVER), 'LIMIT', 0, 100)
  for _, one in ipairs(ahead) do call('ZADD', key, 'XX', text(now + longest_ms), one) end
end
