-- settle: delivers up to 200 verdicts of a worker. Each is taken once, and only while the task is the worker's.
-- ARGV   now, worker (8 bytes), probes of a half-open breaker, ms that a breaker stays open, then for each verdict: packed:
--        id, claim, kind (s succeed, r retry, d bury, b put back, h held by a gate, c cancel), delay ms (from now), status or 0, error
--        or 0, what the attempt says of its host's breaker (- nothing, g good, b bad, t trip); then the entry for the log or '',
--        for h the gate
-- REPLY  a letter for each verdict (d done, r taken before, l late: not this worker's any more), fewer when the budget ended
--        it: the others are to be sent again; tasks trimmed from `done` and `dead`
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/breaker
--@include lib/release
--@include lib/shut
--@include lib/hold
--@include lib/settle
--@include lib/close
local worker, probes_max, open_ms = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST, STRIDE, VERDICT = 5, 2, 2
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local ended = {}

-- What the attempt says of its host, which is read only for a host in trouble.
local function tell_breaker(id, t, report)
  if t.flags < PROBE and report ~= 't' then return end
  local host = host_behind(id, read_front(id))
  if not breakers then load_breakers() end
  if t.flags >= PROBE then settle_probe(host, t.claim, report, probes_max, open_ms) else trip(host, open_ms) end
end

local function settle(at)
  local id, claim, kind, delay_ms, status, error, report = unpack_struct('>c16I6c1I6I2Bc1', ARGV[at])
  local entry = ARGV[at + 1]
  local t = read_task(id)
  if not t then return 'l' end
  local ours = t.claim == claim and t.worker == worker
  if ours and t.state == 'a' then
    local q = queue_of_ended(t.n)
    release(q, t)
    tell_breaker(id, t, report)
    apply(q, id, t, kind, delay_ms, status, error, entry)
    if t.state ~= 'a' or outdated(q, t) then ended[#ended + 1] = id end
    return 'd'
  elseif ours then
    return 'r'
  elseif claim > t.claim and waits(t) then
    -- A failover forgot the claim: the attempt was made all the same.
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
return { table.concat(letters), trimmed_done, trimmed_dead }
