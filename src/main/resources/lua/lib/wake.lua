-- wake: removes one worker from the idle list and notifies it; without idle workers, no message.
local wake_wanted = false
local function wake()
  for _ = 1, 8 do
    local last = call('ZREVRANGE', P .. 'idle', '0', '0', 'WITHSCORES')
    if not last[1] then return end
    if tonumber(last[2]) < now then
      call('DEL', P .. 'idle')
      return
    end
    call('ZREM', P .. 'idle', last[1])
    if call('PUBLISH', P .. 'wake:' .. last[1], 'wake') > 0 then return end
  end
end
