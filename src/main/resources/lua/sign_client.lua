-- sign_client: whether the requests of a client's tasks are signed: each claim returns it. A version is never lowered. From the
-- first on, the client must authenticate with a key.
-- ARGV   now, client, 'on' or 'off', version: of the secrets that sign, or up to which they are ended
-- REPLY  'done', 'none' (there was nothing to end), or 'missing'
--@include lib/base
--@include lib/client
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id, version = ARGV[2], tonumber(ARGV[4])
local key = P .. 'client:' .. id
local c = client(id)
if not c or c.on == 'x' then return 'missing' end
local said = tonumber(call('HGET', key, 'signing') or nil)
if ARGV[3] == 'off' then
  if not said then return 'none' end
  if said <= version then call('HDEL', key, 'signing', 'brief') end
  return 'done'
end
call('HDEL', key, 'stranger', 'brief')
call('ZREM', P .. 'strangers', id)
call('HSET', key, 'keyed', 1, 'signing', text(math.max(version, said or 0)))
return 'done'
