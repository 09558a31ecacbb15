-- change_queue: replaces the settings of a queue of Cloud Tasks.
-- ARGV   now, n, then the fields of `flow` that can be set, name and value alternately; an empty value is none
-- REPLY  'done' or 'missing'
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/put_queue
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local n = tonumber(ARGV[2])
if not queue(n) then return 'missing' end
put_queue(n, 0, 3)
return 'done'
