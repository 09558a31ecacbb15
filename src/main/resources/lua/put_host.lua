-- put_host: sets the limits of a host, or takes them away. What it is too late for is not taken: a later change overtook it.
-- ARGV   now, host, max_concurrent, rate, burst ('' for none of each; all of them to take them away), the revision of this change
-- REPLY  1 when it had limits before, else 0
--@include lib/base
--@include lib/wake
--@include lib/tokens
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local host, max_concurrent, rate, burst, revision = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local flow = P .. 'host:' .. host
local f = call('HMGET', flow, 'max_concurrent', 'rate', 'burst', 'tokens', 'tokens_at', 'rev')
local old = (f[1] or f[2]) and { rate = tonumber(f[2]), burst = tonumber(f[3]), tokens = tonumber(f[4]) or 0, tokens_at = tonumber(f[5]) or 0 }
if tonumber(revision) < tonumber(f[6] or 0) then return old and 1 or 0 end
if old and old.rate then refill(old) end -- the time until now counts at the rate that was in force
call('DEL', flow)
call('HSET', flow, 'rev', revision)
if max_concurrent == '' and rate == '' then
  call('SREM', P .. 'hosts', host)
  call('PEXPIRE', flow, 86400000) -- until no earlier change can come any more
else
  if max_concurrent ~= '' then call('HSET', flow, 'max_concurrent', max_concurrent) end
  if rate ~= '' then
    local tokens = old and old.rate and math.min(old.tokens, tonumber(burst)) or burst
    call('HSET', flow, 'rate', rate, 'burst', burst, 'tokens', tokens, 'tokens_at', now_text)
  end
  call('SADD', P .. 'hosts', host)
end
call('ZADD', P .. 'shut', 'XX', now_text, 'h:' .. host) -- its gate is asked again at once
wake()
return old and 1 or 0
