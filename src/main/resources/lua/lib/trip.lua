-- trip: handles a host's consecutive failures, as seen by one worker.
--@include lib/host_names
local FIRST_WAIT_MS = 1000

-- The breaker settings of a host, by its name with the port or else without: threshold, longest wait, probes. Nil where unset.
local function own_breaker(host)
  if call('EXISTS', P .. 'hosts:own') == 0 then return nil, nil, nil end
  for _, name in ipairs(host_names(host)) do
    if call('SISMEMBER', P .. 'hosts:own', name) == 1 then
      local f = call('HMGET', P .. 'host:' .. name, 'threshold', 'longest', 'probes')
      return tonumber(f[1]), tonumber(f[2]), tonumber(f[3])
    end
  end
end

-- Opens the breaker when there were enough failures. While it is not closed, only probes count.
local function trip(host, failures)
  local own, longest, max = own_breaker(host)
  local least = own or threshold
  if least == 0 or failures < least then return end
  local b = breaker(host)
  if b then
    tell_change(b, 'is_open')
  else
    b = { host = host, since = now, longest = longest or longest_ms, max = max or probes_max, own = own and 1 or 0 }
    open_for(b, FIRST_WAIT_MS, 'opened')
  end
end
