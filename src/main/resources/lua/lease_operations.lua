-- lease_operations: what runs and is this runner's from now on, or still: that of a runner that is gone, or nobody's, becomes its
-- own. KEYS here are the configuration's.
-- ARGV   now, runner, ms that its lease lasts, then for each that it had: operation, done, failed, skipped, ids of the first 10
-- REPLY  operations
--@include lib/base
local runner, lease_ms, FIRST, STRIDE = ARGV[2], tonumber(ARGV[3]), 4, 5
local running = P .. 'operations:running'
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
for at = FIRST, #ARGV, STRIDE do
  local key = P .. 'operation:' .. ARGV[at]
  if call('HGET', key, 'runner') == runner and call('ZSCORE', running, ARGV[at]) then
    call('HSET', key, 'done', ARGV[at + 1], 'failed', ARGV[at + 2], 'skipped', ARGV[at + 3], 'sample', ARGV[at + 4], 'updated', now)
  end
end
local ours, all = {}, call('ZRANGE', running, 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
  local id, ends = all[i], tonumber(all[i + 1])
  local key = P .. 'operation:' .. id
  if call('HGET', key, 'runner') == runner or ends <= now or ends > now + lease_ms then
    call('ZADD', running, now + lease_ms, id)
    call('HSET', key, 'runner', runner)
    ours[#ours + 1] = id
  end
end
return ours
