-- put_host: sets or deletes the limits and breaker settings of a host. A late call is ignored: a later change
-- overtook it.
-- ARGV   now, host, max_concurrent, rate, burst, failures in a row that open its breaker, ms of its longest wait, probes that it begins
--        with ('' for none of each; all of them to delete them), the revision of this change
-- REPLY  1 when it had settings before, else 0
--@include lib/base
--@include lib/wake
--@include lib/tokens
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local host, max_concurrent, rate, burst, revision = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[9]
local own = { threshold = ARGV[6], longest = ARGV[7], probes = ARGV[8] }
local flow = P .. 'host:' .. host
local f = call('HMGET', flow, 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at', 'rev')
local old = (f[1] or f[2]) and { rate = tonumber(f[2]), burst = tonumber(f[3]), tokens = tonumber(f[4]) or 0, tokens_at = tonumber(f[5]) or 0 }
local known = old or call('SISMEMBER', P .. 'hosts:own', host) == 1
if tonumber(revision) < tonumber(f[6] or 0) then return known and 1 or 0 end
if old and old.rate then refill(old) end -- the time until now counts at the rate that was in force
call('DEL', flow)
call('HSET', flow, 'rev', revision)
local limited, has_own = max_concurrent ~= '' or rate ~= '', false
if max_concurrent ~= '' then call('HSET', flow, 'max_concurrent', max_concurrent) end
if rate ~= '' then
  local tokens = old and old.rate and math.min(old.tokens, tonumber(burst)) or burst
  call('HSET', flow, 'rate', rate, 'burst', burst, 'tokens', tokens, 'tokens_at', now_text)
end
for field, value in pairs(own) do
  if value ~= '' then
    call('HSET', flow, field, value)
    has_own = true
  end
end
call(limited and 'SADD' or 'SREM', P .. 'hosts', host)
call(has_own and 'SADD' or 'SREM', P .. 'hosts:own', host)
if not limited and not has_own then call('PEXPIRE', flow, 86400000) end -- until no earlier change can come any more
call('ZADD', P .. 'shut', 'XX', now_text, 'h:' .. host) -- its gate is asked again at once
wake()
return known and 1 or 0
