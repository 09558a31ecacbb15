-- hosts: hosts that have settings of their own, some in each call.
-- ARGV   now, a host, or '' for those of a set, which of the sets (`hosts` or `hosts:own`), where to continue ('0' at first)
-- REPLY  where to continue ('0' at the end), then for each, perhaps more than once: its name, max_concurrent, rate, failures in a row that
--        open its breaker, ms of its longest wait, probes that it begins with ('' for none of each), revision, tasks that run or may
--        begin, tasks that wait for it
--@include lib/base
local COUNT = 100
local page = ARGV[2] == '' and call('SSCAN', P .. ARGV[3], ARGV[4], 'COUNT', COUNT) or { '0', { ARGV[2] } }
local found = { page[1] }
for _, host in ipairs(page[2]) do
  local f = call('HMGET', P .. 'host:' .. host, 'max_concurrent', 'rate', 'threshold', 'longest', 'probes', 'rev')
  if f[1] or f[2] or f[3] or f[4] or f[5] then
    local at = #found
    found[at + 1] = host
    for i = 1, 5 do found[at + 1 + i] = f[i] or '' end
    found[at + 7] = f[6]
    found[at + 8] = call('ZCOUNT', P .. 'gate:h:' .. host, '(' .. now_text, '+inf')
    found[at + 9] = call('ZCARD', P .. 'held:' .. host)
  end
end
return found
