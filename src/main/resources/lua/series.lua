-- series: adds to the series of queues what a process counted since its last call, and the newest failures. KEYS here are the
--   configuration's. A queue has two rings (lib/series): one of minutes, and one of hours, which takes what leaves the other.
-- ARGV   now, ms until the next sample is wanted ('0': in the next minute), number of failures, each failure as a line of text, the
--        newest last, then for each of at most 20 queues: its name ('*' for all queues together, '+' for those without rings), a record
-- REPLY  1 when this minute's sample is missing, which the caller then takes, else 0; then for each queue 1, or 0 when it has no
--        rings, because it does not exist or because too many others have some: nothing was added
--@include lib/base
--@include lib/series
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local FAILURES_MAX = 200
local sampled, wait_ms, failures = P .. 'series:sampled', tonumber(ARGV[2]), tonumber(ARGV[3])
local first = 4 + failures

if failures > 0 then
  call('LPUSH', P .. 'series:failures', unpack(ARGV, 4, first - 1))
  call('LTRIM', P .. 'series:failures', 0, FAILURES_MAX - 1)
end

local reply = { 0 }
if wait_ms > 0 then
  call('SET', sampled, text(now + wait_ms))
elseif now >= tonumber(call('GET', sampled) or 0) then
  call('SET', sampled, text((minute + 1) * MINUTE_MS))
  reply[1] = 1
end
for i = first, #ARGV, 2 do
  local of = ring_of(ARGV[i])
  local more = of and { unpack_struct(RECORD, ARGV[i + 1]) }
  if more and admit(of, more) then
    add_to_minute(of, more)
    reply[#reply + 1] = 1
  else
    reply[#reply + 1] = 0
  end
end
return reply
