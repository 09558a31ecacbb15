-- look_at_breaker: probes of a host with waiting tasks are due, or its breaker was closed.
local LOOK_AGAIN_MS = 1000

local function look_at_breaker(host, floor)
  local b, gate = breaker(host), 'b:' .. host
  if b and is_mended(b) then
    close_breaker(b)
    b = false
  end
  if not b then
    let_back(host, NEVER, floor)
    return
  end
  local _, more = 0, false
  if now >= b.at then _, more = let_back(host, b.allowed - b.out, floor, true) end
  call('ZADD', P .. 'shut', 'XX', text(more and now or math.max(b.at, now + LOOK_AGAIN_MS)), gate)
end

-- Breakers are disabled: those that are open by the general threshold close, some in each call. Returns whether there may be more.
local function free_hosts()
  local some, freed = call('HRANDFIELD', P .. 'open', 20), false
  for _, host in ipairs(some) do
    spend(20)
    local b = breaker(host)
    if b and b.own == 0 then
      close_breaker(b)
      freed = true
    end
  end
  return freed
end
