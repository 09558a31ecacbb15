-- unpark: lets clients back in wherever they are parked, since their limits may have been raised.
-- ARGV   now, then clients
-- REPLY  'done'
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
for at = 2, #ARGV do unpark(ARGV[at]) end
close()
return 'done'
