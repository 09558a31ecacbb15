-- close_operation: a running operation ends. KEYS here are the configuration's.
-- ARGV   now, operation, how it ended (done, stopped, failed), done, failed, skipped, ids of the first 10, why it failed, or ''
-- REPLY  'closed'; its state, when it has already ended; or 'missing'
--@include lib/base
local id, state, done, failed, skipped, sample, reason = unpack(ARGV, 2)
local key = P .. 'operation:' .. id
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
if call('ZREM', P .. 'operations:running', id) == 0 then return call('HGET', key, 'state') or 'missing' end
call('HSET', key, 'state', state, 'done', done, 'failed', failed, 'skipped', skipped, 'sample', sample, 'updated', now,
  'finished', now, 'error', reason)
if state == 'done' then call('HSET', key, 'total', text(done + failed + skipped)) end
return 'closed'
