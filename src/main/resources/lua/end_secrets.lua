-- end_secrets: deletes a client's signing secrets. KEYS here are the configuration's.
-- ARGV   now, client
-- REPLY  '1' when there was one, the version that no earlier published version of its secrets exceeds
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local there = call('HDEL', P .. 'signing', ARGV[2])
return { text(there), tonumber(call('GET', P .. 'signing:version')) or 0 }
