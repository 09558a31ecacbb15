-- tokens: the token bucket of a rate limit: `tokens` of at most `burst`, as of `tokens_at`, refilled by `rate` per second.

-- Brings a bucket up to now; a clock set back adds nothing.
local function refill(bucket)
  if now > bucket.tokens_at then
    bucket.tokens = math.min(bucket.burst, bucket.tokens + (now - bucket.tokens_at) * bucket.rate / 1000)
  end
  bucket.tokens_at = now
  bucket.dirty = true
end
