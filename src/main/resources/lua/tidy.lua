-- tidy: background work. Each kind alternately does a small step, until none has more to do or one call's budget is spent: so
-- none waits for another, however much that has to do.
-- ARGV   now, ms after which an auto-registered client without tasks is removed
-- REPLY  1 when there is more to do at once, else 0; tasks trimmed from `done` and from `dead`; 1 when everything is paused, else 0; some
--        hosts whose breaker is open
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/alive
--@include lib/find
--@include lib/retire
--@include lib/unparking
--@include lib/drain
--@include lib/open_queue
--@include lib/close
local stranger_ms = tonumber(ARGV[2])
local SOME, OPEN_MOST = 10, 100
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

-- Tasks whose retention ended.
local function retire_some()
  local ended = call('ZRANGEBYSCORE', P .. 'retire', '-inf', now, 'LIMIT', 0, SOME)
  for _, id in ipairs(ended) do retire(id) end
  return #ended == SOME
end

-- Tasks of Cloud Tasks whose lifetime has ended, dispatched or not.
local function drop_aged()
  local n = call('ZRANGEBYSCORE', P .. 'ages', '-inf', now - LIFE_MS, 'LIMIT', 0, 1)[1]
  if not n then return false end
  local q = queue(tonumber(n))
  local all = q and q.base .. 'all'
  for _, id in ipairs(q and call('ZRANGEBYSCORE', all, '-inf', now - LIFE_MS, 'LIMIT', 0, SOME) or {}) do
    spend(15)
    local t = read_task(id)
    if t then drop(q, id, t) end
    call('ZREM', all, id)
  end
  local oldest = q and call('ZRANGE', all, 0, 0, 'WITHSCORES')[2]
  if oldest then call('ZADD', P .. 'ages', oldest, n) else call('ZREM', P .. 'ages', n) end
  return true
end

local function forget_strangers()
  local late = call('ZRANGEBYSCORE', P .. 'strangers', '-inf', now - stranger_ms, 'LIMIT', 0, SOME)
  for _, id in ipairs(late) do
    spend(40)
    local c = client(id)
    if c and c.stranger and c.live == 0 and c.on == '1' then
      call('DEL', P .. 'client:' .. id, P .. 'client:' .. id .. ':minute', P .. 'client:' .. id .. ':parked')
      call('ZREM', P .. 'clients', id)
      call('ZREM', P .. 'strangers', id)
      clients[id] = nil
    elseif c and c.stranger then
      call('ZADD', P .. 'strangers', now, id)
    else
      call('ZREM', P .. 'strangers', id)
    end
  end
  return #late == SOME
end

-- A queue that was closed for its deletion, which was broken off before it was decided, is open again.
local function reopen()
  local late = call('ZRANGEBYSCORE', P .. 'closing', '-inf', now, 'LIMIT', 0, SOME)
  for _, n in ipairs(late) do
    spend(10)
    open_queue(tonumber(n))
  end
  return #late == SOME
end

-- A half-open breaker without attempts for an hour is removed: a few per call, at random.
local function forget_breakers()
  local some = call('HRANDFIELD', P .. 'open', SOME, 'WITHVALUES')
  for i = 1, #some, 2 do
    local at, out = unpack_struct('>I6I4', some[i + 1])
    if now - at > (out == 0 and 3600000 or 2 * 86400000) then call('HDEL', P .. 'open', some[i]) end
  end
  return false
end

local kinds = { unpark_some, retire_some, drain_some, reopen, drop_aged, forget_strangers, forget_breakers }
repeat
  local unfinished = {}
  for _, step in ipairs(kinds) do
    if not spend(5) or step() then unfinished[#unfinished + 1] = step end
  end
  kinds = unfinished
until #kinds == 0 or budget_left <= 0
close()
local said = { #kinds > 0 and 1 or 0, trimmed_done, trimmed_dead, shard().paused and 1 or 0 }
local open = call('HRANDFIELD', P .. 'open', OPEN_MOST, 'WITHVALUES')
for i = 1, #open, 2 do
  if unpack_struct('>I6', open[i + 1]) > now then said[#said + 1] = open[i] end
end
return said
