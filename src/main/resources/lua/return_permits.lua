-- return_permits: permits come back to their home, and as many of those that want some are told.
-- ARGV   now, what, then for each: permit, '1' when nothing was run under it, so that its token comes back too
-- REPLY  how many came back
--@include lib/base
--@include lib/queue
--@include lib/permits
local what = ARGV[2]
local limits = limits_of(what)
local FIRST, STRIDE = 3, 2
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if limits and limits.rate then refill(limits) end

local returned = 0
for at = FIRST, #ARGV, STRIDE do
  if call('ZREM', P .. 'permits:' .. what, ARGV[at]) == 1 then
    returned = returned + 1
    if limits and limits.rate and ARGV[at + 1] == '1' then limits.tokens = math.min(limits.burst, limits.tokens + 1) end
  end
end
flush_limits()
local wanting = P .. 'wanting:' .. what
call('ZREMRANGEBYSCORE', wanting, '-inf', '(' .. now_text)
for _ = 1, returned do
  local who = call('ZPOPMIN', wanting)
  if not who[1] then break end
  local home, worker = string.match(who[1], '^(%d+):(.*)$')
  call('PUBLISH', string.match(P, '^(.-){') .. '{' .. home .. '}:wake:' .. worker, 'permit' .. what)
end
return returned
