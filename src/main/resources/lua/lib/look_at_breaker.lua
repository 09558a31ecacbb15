-- look_at_breaker: probes of a host with waiting tasks are due, or its breaker was closed.
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
  local more = now >= b.at and select(2, let_back(host, b.allowed - b.out, floor, true))
  call('ZADD', P .. 'shut', 'XX', text(more and now or math.max(b.at, now + BREAKER.look_again_ms)), gate)
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
