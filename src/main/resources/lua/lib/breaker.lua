-- breaker: failing hosts get no attempts for a while, then a few probes. `open` holds, for each host that is not closed:
--   at(6): when probes may be sent · out(4): probes that run · allowed(4): how many may run at once · since(6): when it opened ·
--   good_at(6): when the first probe went well, or 0 · wait(4): ms that it waits for probes now · longest(4): the most of that ·
--   max(2): how many probes may run at first · own(1): whether the host has a threshold of its own
-- Half-open is: `at` has come. Each successful probe allows one more at once, each failed one allows one less: so it closes, or opens
-- again and waits twice as long, by how many fail, and what it closes for has grown before. A lost probe counts as failed.
--@include lib/shut
local BREAKER = { form = '>I6I4I4I6I6I4I4I2B', ramp_ms = 3000, look_again_ms = 1000 }
local open_hosts, breaker_changes = {}, {}

local function write_breaker(b)
  open_hosts[b.host] = b
  call('HSET', P .. 'open', b.host,
    pack(BREAKER.form, b.at, b.out, b.allowed, b.since, b.good_at, b.wait, b.longest, b.max, b.own))
end

local function breaker(host)
  local b = open_hosts[host]
  if b ~= nil then return b end
  local stored = call('HGET', P .. 'open', host)
  b = stored and { host = host } or false
  open_hosts[host] = b
  if not b then return b end
  b.at, b.out, b.allowed, b.since, b.good_at, b.wait, b.longest, b.max, b.own = unpack_struct(BREAKER.form, stored)
  if b.at > now + b.wait or b.good_at > now then -- Redis' clock was set back
    b.at, b.good_at = math.min(b.at, now + b.wait), math.min(b.good_at, now)
    write_breaker(b)
  end
  return b
end

local function tell_change(b, word)
  local at = #breaker_changes
  breaker_changes[at + 1], breaker_changes[at + 2], breaker_changes[at + 3] = b.host, word, math.max(0, b.at - now)
end

-- The wait below the longest is up to a tenth shorter, so that hosts that failed together are not probed together.
local function open_for(b, wait_ms, word)
  b.wait = math.min(wait_ms, b.longest)
  b.at = now + (b.wait < b.longest and math.floor(b.wait * (1 - now % 100 / 1000)) or b.wait)
  b.out, b.allowed, b.good_at = 0, b.max, 0
  write_breaker(b)
  tell_change(b, word)
end

-- If tasks wait for the breaker, the next tend looks at it.
local function look_soon(host)
  call('ZADD', P .. 'shut', 'XX', now_text, 'b:' .. host)
end

local function close_breaker(b)
  call('HDEL', P .. 'open', b.host)
  look_soon(b.host)
  open_hosts[b.host] = false
  b.at = now
  tell_change(b, 'closed')
end

-- Whether enough probes went well, and either no task waits for more of them or they went on for long enough.
local function is_mended(b)
  return b.allowed >= 2 * b.max and (now - b.good_at >= BREAKER.ramp_ms or call('EXISTS', P .. 'held:' .. b.host) == 0)
end

-- Whether a probe may be sent. Else a task waits in `held:<host>`, and tend looks at the breaker when it is time.
local function ask_breaker(b)
  if now >= b.at and b.out < b.allowed then
    if b.out == 0 and b.allowed == b.max and b.good_at == 0 then tell_change(b, 'half_open') end
    b.out = b.out + 1
    write_breaker(b)
    return true
  end
  shut('b:' .. b.host, math.max(b.at - now, BREAKER.look_again_ms))
  return false
end

-- The result of a probe: good, or not; nil when it was not sent. A claim from before the breaker opened once more is none of the
-- probes that are out now.
local function settle_probe(host, claim, good)
  local b = breaker(host)
  if not b or claim < b.at then return end
  b.out = math.max(0, b.out - 1)
  if good then
    b.allowed = b.allowed + 1
    if b.good_at == 0 then b.good_at = now end
  elseif good == false then
    b.allowed = b.allowed - 1
  end
  if b.allowed == 0 then
    open_for(b, 2 * b.wait, 'reopened')
  elseif is_mended(b) then
    close_breaker(b)
  else
    write_breaker(b)
    look_soon(host)
  end
end
