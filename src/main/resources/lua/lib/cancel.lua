-- cancel: cancels a waiting task, which ends, or a running one: its worker, which is notified here, aborts it.
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
