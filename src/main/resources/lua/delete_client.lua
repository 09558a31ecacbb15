-- delete_client: deletes a client: blocks its id, and cancels its waiting tasks by incrementing its generation.
-- ARGV   now, client, the revision of this change, then the n of every queue, for `tidy` to walk
-- REPLY  'done', 'missing', or 'overtaken' by a later change
--@include lib/base
--@include lib/client
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local id = ARGV[2]
local c = client(id)
if not c or c.on == 'x' then return 'missing' end
if tonumber(call('HGET', P .. 'client:' .. id, 'rev') or 0) > tonumber(ARGV[3]) then return 'overtaken' end
call('HSET', P .. 'client:' .. id, 'on', 'x', 'gen', (c.gen + 1) % 65536, 'updated', now, 'rev', ARGV[3])
call('HDEL', P .. 'client:' .. id, 'stranger', 'signing', 'brief')
call('ZREM', P .. 'clients', id)
call('ZREM', P .. 'strangers', id)
for from = 4, #ARGV, 1000 do
  local items = {}
  for at = from, math.min(from + 999, #ARGV) do items[#items + 1] = 'client:' .. id .. ':' .. ARGV[at] end
  call('RPUSH', P .. 'drain', unpack(items))
end
return 'done'
