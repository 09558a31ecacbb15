-- put_client: creates or changes a client; it no longer counts as auto-registered.
-- ARGV   now, client, then fields of its hash, name and value alternately; an empty value is none. 'tier' must be known. Of a lower
--        'rev' than the current one nothing is applied: a later change overtook it
-- REPLY  'done', or 'no_tier'
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id = ARGV[2]
local key = P .. 'client:' .. id
for at = 3, #ARGV, 2 do
  if ARGV[at] == 'rev' and tonumber(ARGV[at + 1]) < tonumber(call('HGET', key, 'rev') or 0) then return 'done' end
  if ARGV[at] == 'tier' and call('HEXISTS', P .. 'tiers', ARGV[at + 1]) == 0 then return 'no_tier' end
end
local on = call('HGET', key, 'on')
if not on or on == 'x' then
  -- What a deleted client left keeps its generation, and is not this one's.
  call('HDEL', key, 'max_concurrent', 'requests_per_min', 'max_waiting', 'max_waiting_bytes', 'queues', 'accounts', 'stranger', 'signing')
  call('HSET', key, 'on', 1, 'tier', 'default', 'created', now)
  call('ZADD', P .. 'clients', 0, id)
end
call('HSET', key, 'updated', now)
call('HDEL', key, 'stranger', 'brief')
call('ZREM', P .. 'strangers', id)
for at = 3, #ARGV, 2 do
  if ARGV[at + 1] == '' then call('HDEL', key, ARGV[at]) else call('HSET', key, ARGV[at], ARGV[at + 1]) end
end
unpark(id)
close()
return 'done'
