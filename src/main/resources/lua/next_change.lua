-- next_change: a number for a change of an object without revisions, higher than any before. KEYS here are the configuration's.
-- ARGV   now
-- REPLY  the number
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
return call('INCR', P .. 'changes:last')
