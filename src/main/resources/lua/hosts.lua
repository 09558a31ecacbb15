-- hosts: hosts that have limits of their own, some in each call.
-- ARGV   now, a host, or '' for all, where to go on ('0' at first)
-- REPLY  where to go on ('0' at the end), then for each, perhaps more than once: its name, max_concurrent, rate ('' for none of
--        either), revision, tasks that run or may begin, tasks that wait for it
--@include lib/base
local COUNT = 100
local page = ARGV[2] == '' and call('SSCAN', P .. 'hosts', ARGV[3], 'COUNT', COUNT) or { '0', { ARGV[2] } }
local found = { page[1] }
for _, host in ipairs(page[2]) do
  local f = call('HMGET', P .. 'host:' .. host, 'max_concurrent', 'rate', 'rev')
  if f[1] or f[2] then
    local at = #found
    found[at + 1], found[at + 2], found[at + 3], found[at + 4] = host, f[1] or '', f[2] or '', f[3]
    found[at + 5] = call('ZCOUNT', P .. 'gate:h:' .. host, '(' .. now_text, '+inf')
    found[at + 6] = call('ZCARD', P .. 'held:' .. host)
  end
end
return found
