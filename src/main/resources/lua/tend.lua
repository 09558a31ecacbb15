-- tend: time-based work, done with any worker's exchange: expired leases are recovered, due tasks are made ready, gates that
-- have room admit tasks again, and parked clients are readmitted. Each has its share of the budget.
-- ARGV   now, lease_ms, default max_retries, failures in a row that open a breaker (0 for never), then for each gate that was heard of:
--        gate, how many tasks it can take, or minus the ms until it is to be asked again
-- REPLY  '1' when there is more to do at once, tasks that were recovered (id, name of its queue, '1' when it is dead, …), gates
--        whose home is to be asked (gate, tasks that wait for it here, …), gates that had room for more tasks than there are (gate, how
--        many more, …), tasks trimmed from `done` and `dead`, breakers that changed
--        (host, word, ms until its next probe, …)
--@include lib/base
--@include lib/budget
--@include lib/clock
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/unparking
--@include lib/finish
--@include lib/retry
--@include lib/breaker
--@include lib/release
local lease_ms, max_retries, threshold = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
--@include lib/reap
--@include lib/ready
--@include lib/shut
--@include lib/let_back
--@include lib/close
local FIRST, SHARE = 5, BUDGET / 5
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local recovered, more = reap(lease_ms, 3 * SHARE)
more = threshold == 0 and free_hosts() or more
local unused = {}
for at = FIRST, #ARGV, 2 do
  local gate, room = ARGV[at], tonumber(ARGV[at + 1])
  if room > 0 then
    local left, ended = admit(gate, room, 2 * SHARE)
    if left > 0 then unused[#unused + 1], unused[#unused + 2] = gate, left end
    more = ended or more
  else
    call('ZADD', P .. 'shut', 'XX', text(now - room), gate)
  end
end
while unpark_some() do
  if budget_left <= 1.5 * SHARE then
    more = true
    break
  end
end
more = ready_due(SHARE / 2) or more
local asked = to_ask(SHARE / 4)
readmit()
close()
return { more and '1' or '0', recovered, asked, unused, trimmed_done, trimmed_dead, breaker_changes }
