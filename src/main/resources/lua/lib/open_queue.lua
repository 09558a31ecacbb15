-- open_queue: a queue that was closed is open again. `closing` holds the closed ones, by when `tidy` opens them.
local function open_queue(n)
  call('ZREM', P .. 'closing', n)
  local flow = P .. 'queue:' .. n .. ':flow'
  local paused = call('HGET', flow, 'paused')
  if paused and string.sub(paused, 1, 1) == CLOSED then
    call('HSET', flow, 'paused', string.sub(paused, 2))
    call('HDEL', flow, 'brief')
  end
end
