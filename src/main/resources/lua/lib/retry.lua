-- retry: the policy of a task over its queue's over the worker's default; RetryPolicy.java holds the same rules.
--   max_retries(2) · min_backoff(4) · max_backoff(6) · max_doublings(2) · max_duration(6) · retry_client_errors(1), in ms;
--   all bits set is "unset".
-- A queue of Cloud Tasks has all settings, and its tasks none; CloudRetryPolicy.java holds the same rules:
--   65534(2) · max_attempts(4; all bits set: no limit) · min_backoff(6) · max_backoff(6) · max_doublings(4) ·
--   max_duration(6; 0: unset).
local UNSET2, UNSET4, UNSET6, CLOUD_RULE = 2 ^ 16 - 1, 2 ^ 32 - 1, 2 ^ 48 - 1, 2 ^ 16 - 2

local function cloud_policy(text)
  local _, attempts, min_ms, max_ms, doublings, duration_ms = unpack_struct('>I2I4I6I6I4I6', text)
  return { cloud = true, max_attempts = attempts < UNSET4 and attempts or NEVER, min_ms = min_ms, max_ms = max_ms,
    max_doublings = doublings, max_duration_ms = duration_ms }
end

local function retry_policy(own, of_queue, max_retries)
  if of_queue and of_queue ~= '' and unpack_struct('>I2', of_queue) == CLOUD_RULE then return cloud_policy(of_queue) end
  local p = { max_retries, 20000, 3600000, 16, NEVER }
  for _, text in ipairs({ of_queue or '', own or '' }) do
    if text ~= '' then
      local said = { unpack_struct('>I2I4I6I2I6', text) }
      if said[1] ~= UNSET2 then p[1] = said[1] end
      if said[2] ~= UNSET4 then p[2] = said[2] end
      if said[3] ~= UNSET6 then p[3] = said[3] end
      if said[4] ~= UNSET2 then p[4] = said[4] end
      if said[5] ~= UNSET6 then p[5] = said[5] end
    end
  end
  return { max_retries = p[1], min_ms = p[2], max_ms = p[3], max_doublings = p[4], max_duration_ms = p[5] }
end

-- The wait before retry k (from 1), in ms: doubling, then growing by a constant step, up to the cap.
local function backoff_ms(p, k)
  if p.min_ms == 0 then return 0 end
  local doubled = k - 1 <= p.max_doublings
  local wait = doubled and p.min_ms * 2 ^ (k - 1) or p.min_ms * 2 ^ p.max_doublings * (k - p.max_doublings)
  return math.floor(math.min(wait, p.max_ms))
end

-- Whether a failed attempt was the last. `since_first` is the time since the first began, in ms.
local function spent(p, attempts, since_first)
  if not p.cloud then return attempts > p.max_retries or since_first >= p.max_duration_ms end
  -- Both limits must be spent. A duration that is not said is; attempts without a limit are where a duration is said.
  local attempts_spent = attempts >= p.max_attempts or (p.max_attempts == NEVER and p.max_duration_ms > 0)
  return attempts_spent and since_first >= p.max_duration_ms
end
