-- series: the rings of queues. A record of a minute or an hour has 32 numbers of 4 bytes:
--   1       the minute or hour that it is of, since the epoch; another one here means that its time is over
--   2 to 5  enqueued, succeeded, failed, died: added up
--   6 to 10 ready, active, waiting, dead, ms that the oldest ready task has waited: the largest, plus one; 0 when not sampled
--   11 to 21 and 22 to 32  number of attempts by their lag, and by their duration: added up (record.SeriesRecord has the bounds)
-- `series` has the queues by the last time that they counted something, or had a task.
--@include lib/forget_series
local MINUTE_MS, MINUTES, HOURS, SIZE, NUMBERS = 60000, 1440, 840, 128, 32
local QUEUES_MAX, KEPT_MS, UNUSED_MS, MOST = 100, 36 * 86400000, 86400000, 2 ^ 32 - 1
local RECORD = '>' .. string.rep('I4', NUMBERS)
local minute = math.floor(now / MINUTE_MS)

-- What follows `series:` in the keys of a queue; nil when it does not exist.
local function ring_of(name)
  if name == '*' then return 'all' elseif name == '+' then return 'other' end
  return call('HGET', P .. 'queues', name) or nil
end

-- Whether a queue has rings, or may get some: instead of the one that was unused for longest, if that is a day.
local function admit(of, more)
  if of == 'all' or of == 'other' then return true end
  local used = false
  for i = 2, 5 do used = used or more[i] > 0 end
  for i = 6, 9 do used = used or more[i] > 1 end
  local last = tonumber(call('ZSCORE', P .. 'series', of))
  if not last then
    if not used then return false end
    if call('ZCARD', P .. 'series') >= QUEUES_MAX then
      local oldest = call('ZRANGE', P .. 'series', 0, 0, 'WITHSCORES')
      if now - tonumber(oldest[2]) < UNUSED_MS then return false end
      forget_series(oldest[1])
    end
  end
  if used and now - (last or 0) >= MINUTE_MS then call('ZADD', P .. 'series', text(now), of) end
  return true
end

local function at(slot)
  return slot * SIZE, slot * SIZE + SIZE - 1
end

local function sum(to, more)
  for i = 2, 5 do to[i] = math.min(to[i] + more[i], MOST) end
  for i = 6, 10 do to[i] = math.max(to[i], more[i]) end
  for i = 11, NUMBERS do to[i] = math.min(to[i] + more[i], MOST) end
  return to
end

-- The record in a slot; nil when nothing was written there. A ring is created at its full size: grown in steps it would take twice
-- the memory.
local function stored(key, slot, slots)
  local bytes = call('GETRANGE', key, at(slot))
  if #bytes == 0 then call('SETRANGE', key, slots * SIZE - 1, '\0') end
  local record = #bytes == SIZE and { unpack_struct(RECORD, bytes) }
  return record and record[1] > 0 and record or nil
end

local function store(key, slot, record)
  call('SETRANGE', key, slot * SIZE, pack(RECORD, unpack(record, 1, NUMBERS)))
end

-- A minute that was 24 h or more ago becomes a part of its hour.
local function add_to_hour(of, old)
  local key, hour = P .. 'series:' .. of .. ':h', math.floor(old[1] / 60)
  local there = stored(key, hour % HOURS, HOURS)
  if there and there[1] > hour then return end -- that hour is over too
  local record = there and there[1] == hour and sum(there, old) or old
  record[1] = hour
  store(key, hour % HOURS, record)
  call('PEXPIRE', key, KEPT_MS)
end

local function add_to_minute(of, more)
  local key, slot = P .. 'series:' .. of .. ':m', minute % MINUTES
  local there = stored(key, slot, MINUTES)
  if there and there[1] == minute then
    store(key, slot, sum(there, more))
    return
  end
  if there then add_to_hour(of, there) end
  more[1] = minute
  store(key, slot, more)
  call('PEXPIRE', key, KEPT_MS)
end
