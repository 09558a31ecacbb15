-- settle: delivers up to 200 verdicts of a worker. Each is accepted once, and only while the worker holds the task.
-- ARGV   now, worker (8 bytes), failures in a row that open a breaker (0 for never), the longest wait of an open one in ms, how many probes
--        it begins with, then for each verdict: packed: id, claim, kind (s succeed, r retry, d bury, b put back, h held by a gate,
--        c cancel), delay ms (from now), status or 0, error or 0, the attempt's evidence for its host (0 nothing, GOOD, or that it failed
--        this many times in a row); then the entry for the log or '', for h the gate
-- REPLY  a letter for each verdict (d done, r accepted before, l late: no longer held by this worker), fewer when the budget ended
--        it: the others are to be sent again; tasks trimmed from `done` and `dead`; breakers that changed (host, word, ms until its
--        next probe, …)
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/release
--@include lib/hold
--@include lib/breaker
--@include lib/settle
--@include lib/close
local worker, threshold, longest_ms, probes_max = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
--@include lib/trip
local FIRST, STRIDE, VERDICT, GOOD = 6, 2, 2, 2 ^ 32 - 1
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local ended = {}

-- The attempt's evidence for its host, which is read only for a failing host.
local function tell_breaker(id, t, report)
  if t.flags < PROBE and (report == 0 or report == GOOD) then return end
  local host = host_behind(id, read_front(id))
  spend(10)
  if t.flags < PROBE then
    trip(host, report)
  elseif report == 0 then
    settle_probe(host, t.claim, nil)
  else
    settle_probe(host, t.claim, report == GOOD)
  end
end

local function settle(at)
  local id, claim, kind, delay_ms, status, error, report = unpack_struct('>c16I6c1I6I2BI4', ARGV[at])
  local entry = ARGV[at + 1]
  local t = read_task(id)
  if not t then return 'l' end
  local ours = t.claim == claim and t.worker == worker
  if ours and t.state == 'a' then
    local q = queue(t.n)
    release(q, t)
    tell_breaker(id, t, report)
    apply(q, id, t, kind, delay_ms, status, error, entry)
    if t.state ~= 'a' or outdated(q, t) then ended[#ended + 1] = id end
    return 'd'
  elseif ours then
    return 'r'
  elseif claim > t.claim and waits(t) then
    -- A failover lost the claim: the attempt was made anyway.
    local q = queue(t.n)
    if q and q.gen == t.gen then take_out(q, id, t) end
    remember_claim(t, claim, worker)
    if q then served_later[q] = true end
    apply(q, id, t, kind, delay_ms, status, error, entry)
    return 'd'
  end
  return 'l'
end

local letters = {}
for at = FIRST, #ARGV, STRIDE do
  letters[#letters + 1] = settle(at)
  if not spend(VERDICT) then break end
end
if #ended > 0 then call('ZREM', P .. 'leases', unpack(ended)) end
readmit()
close()
return { table.concat(letters), trimmed_done, trimmed_dead, breaker_changes }
