-- close_breaker: an admin closes the breaker of a host.
-- ARGV   now, the host with its port
-- REPLY  1 when it was not closed, else 0
--@include lib/base
--@include lib/wake
--@include lib/breaker
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local b = breaker(ARGV[2])
if not b then return 0 end
close_breaker(b)
wake()
return 1
