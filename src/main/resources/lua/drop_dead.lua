-- drop_dead: deletes dead tasks of a queue, by `tidy`.
-- ARGV   now, n, ms: those that died until then
-- REPLY  'done', or 'missing'
--@include lib/base
--@include lib/queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q = queue(tonumber(ARGV[2]))
if not q then return 'missing' end
call('RPUSH', P .. 'drain', 'over:' .. q.n .. ':dead:' .. ARGV[3])
return 'done'
