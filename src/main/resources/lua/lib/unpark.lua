-- unpark: an owner that runs less than it did, or may run more, has its turn again wherever it is parked; claim parks it again where it
-- still has no room. This is done in up to 32 queues, in more until one of them can be served; `tidy` does the rest, which is listed in
-- `unparking`: 'c:' and a client, or 't:' and the last client that was looked at, of all whose tier may have changed.
--@include lib/budget
local function unpark(owner)
  local key = P .. 'client:' .. owner .. ':parked'
  if call('SCARD', key) == 0 then return end
  local PLACES, served = 32, false
  while not served and spend(5) do
    local places = call('SPOP', key, PLACES)
    for _, place in ipairs(places) do
      spend(30)
      local n, gen = string.match(place, '^(%d+)%.(%d+)$')
      local q = queue(tonumber(n))
      local turn = q and q.gen == tonumber(gen) and tonumber(call('ZSCORE', q.base .. 'turns', owner))
      if turn and turn >= PARKED then
        call('ZADD', q.base .. 'turns', turn - PARKED, owner)
        q.first = nil
        served = serve(q) or served
      end
    end
    if served then wake_wanted = true end
    if #places < PLACES then return end
  end
  local c = client(owner)
  if c and c.running < c.max_concurrent and call('SCARD', key) > 0
    and call('HSETNX', P .. 'client:' .. owner, 'unparking', 1) == 1 then
    call('RPUSH', P .. 'unparking', 'c:' .. owner)
  end
end
