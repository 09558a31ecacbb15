-- begin_operation: adds an operation to the list. KEYS here are the configuration's.
-- ARGV   now, operation, its owner ('' for the admin), maximum that run at once, of one client, maximum kept, ms that
--        they are kept, then its fields, name and value alternately
-- REPLY  'begun', also when the same call is repeated; or 'full'
--@include lib/base
local id, owner, all_max, own_max, kept_max, keep_ms = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local list, running = P .. 'operations', P .. 'operations:running'
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if call('EXISTS', P .. 'operation:' .. id) == 1 then return 'begun' end

-- The oldest of the list are removed, except running ones: at most 100 per call.
local function forget(ids)
  for _, old in ipairs(ids) do
    if not call('ZSCORE', running, old) then
      call('DEL', P .. 'operation:' .. old)
      call('ZREM', list, old)
    end
  end
end
forget(call('ZRANGEBYSCORE', list, '-inf', now - keep_ms, 'LIMIT', 0, 100))
local over = call('ZCARD', list) + 1 - kept_max
if over > 0 then forget(call('ZRANGE', list, 0, math.min(over, 100) + all_max - 1)) end

local ids = call('ZRANGE', running, 0, -1)
local own = 0
for _, other in ipairs(ids) do
  if owner ~= '' and call('HGET', P .. 'operation:' .. other, 'owner') == owner then own = own + 1 end
end
if #ids >= all_max or own >= own_max then return 'full' end
call('HSET', P .. 'operation:' .. id, 'owner', owner, 'state', 'running', 'begun', now, 'updated', now, unpack(ARGV, 8))
call('ZADD', list, now, id)
call('ZADD', running, 0, id)
return 'begun'
