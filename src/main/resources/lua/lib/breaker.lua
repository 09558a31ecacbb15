-- breaker: hosts that fail take no attempts for a while, then a few probes. `open` holds, for each host that is not closed:
--   reopens at(6) · probes out(4) · probes that went well(4) · tasks put back(4).
-- Half-open is: the time has come. A probe that was lost counts as failed.
local breakers

local function load_breakers()
  breakers = { any = call('EXISTS', P .. 'open') == 1 }
end

local function breaker(host)
  local b = breakers[host]
  if b == nil then
    local text = call('HGET', P .. 'open', host)
    if text then
      b = { host = host }
      b.at, b.out, b.good, b.waiting = unpack_struct('>I6I4I4I4', text)
    else
      b = false
    end
    breakers[host] = b
  end
  return b
end

local function write_breaker(b)
  breakers[b.host], breakers.any = b, true
  call('HSET', P .. 'open', b.host, pack('>I6I4I4I4', b.at, b.out, b.good, b.waiting))
end

local function reopen(host, open_ms)
  write_breaker({ host = host, at = now + open_ms, out = 0, good = 0, waiting = 0 })
end

-- Opens a breaker, or a half-open one again; one that is open stays as it is.
local function trip(host, open_ms)
  local b = breaker(host)
  if not b or now >= b.at then reopen(host, open_ms) end
end

-- Judges whether a task may be sent to its host: 'go', 'probe', or 'wait' and until when.
local function ask_breaker(host, id, t, probes_max, open_ms)
  local b = breaker(host)
  if not b then return 'go' end
  b.at = math.min(b.at, now + open_ms) -- after a clock set back it is not open for longer
  if now >= b.at and t.due > t.created then b.waiting = math.max(0, b.waiting - 1) end -- it was put off, and is back
  if now >= b.at and b.out + b.good < probes_max then
    b.out = b.out + 1
    write_breaker(b)
    return 'probe'
  end
  -- Those that wait come back spread, each where its random bits say: one each 5 ms, and never all in the same second.
  local spread = math.max(1000, b.waiting * 5)
  local from = math.max(b.at, now + (now >= b.at and 1000 or 0))
  b.waiting = b.waiting + 1
  write_breaker(b)
  return 'wait', from + math.floor((string.byte(id, 10) * 256 + string.byte(id, 11)) / 65536 * spread)
end

-- What a probe came to: g good, b bad, or neither (it was not sent). A claim from before the breaker opened once more is
-- none of the probes that are out now.
local function settle_probe(host, claim, report, probes_max, open_ms)
  local b = breaker(host)
  if not b or claim < b.at then return end
  b.out = math.max(0, b.out - 1)
  if report == 'b' then
    reopen(host, open_ms)
  elseif report == 'g' then
    b.good = b.good + 1
    if b.good >= probes_max then
      call('HDEL', P .. 'open', host)
      breakers[host] = false
    else
      write_breaker(b)
    end
  else
    write_breaker(b)
  end
end
