-- breakers: hosts whose breaker is not closed, some in each call.
-- ARGV   now, a host with its port, or '' for all, where to continue ('0' at first)
-- REPLY  where to continue ('0' at the end), then for each, perhaps more than once: its name, since when, when probes may be sent, 1 when
--        that time has come, probes that run, how many may run at once, tasks that wait for it
--@include lib/base
--@include lib/breaker
local COUNT = 100
local hosts, next_place = { ARGV[2] }, '0'
if ARGV[2] == '' then
  local page = call('HSCAN', P .. 'open', ARGV[3], 'COUNT', COUNT)
  next_place, hosts = page[1], {}
  for i = 1, #page[2], 2 do hosts[#hosts + 1] = page[2][i] end
end
local found = { next_place }
for _, host in ipairs(hosts) do
  local b = breaker(host)
  if b then
    local at = #found
    found[at + 1], found[at + 2], found[at + 3], found[at + 4] = host, b.since, b.at, now >= b.at and 1 or 0
    found[at + 5], found[at + 6] = b.out, b.allowed
    found[at + 7] = call('ZCARD', P .. 'held:' .. host)
  end
end
return found
