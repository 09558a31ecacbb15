-- cancel: calls off a task that waits, which is over then, or runs: its worker, which is told here, cuts it off.
local function cancel(q, id, t)
  if t.state == 'a' then
    t.flags = t.flags + CANCELLING
    write_head(id, t)
    local worker = string.gsub(t.worker, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
    call('PUBLISH', P .. 'wake:' .. worker, 'cancel' .. id)
  else
    take_out(q, id, t)
    finish(q, id, t, 'c')
  end
end
