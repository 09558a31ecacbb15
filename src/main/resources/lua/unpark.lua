-- unpark: continues readmitting parked clients that may have room, within the budget of a call.
-- ARGV   now
-- REPLY  '1' when there is more to do
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/unparking
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local more
repeat more = unpark_some() until not more or not spend(2)
close()
return more and '1' or '0'
