-- express: attempts that RunTask began have priority; they use separate slots.
local function take_express(most)
  while most > 0 do
    local id = call('LPOP', P .. 'express')
    if not id then return end
    local t = read_some(id)
    if t and t.state == 'a' and t.worker == NOBODY then
      local q = queue(t.n)
      if not q or q.gen ~= t.gen then
        call('ZREM', P .. 'leases', id)
        finish(nil, id, t)
      elseif t.flags % 2 == CANCELLING then
        call('ZREM', P .. 'leases', id)
        finish(q, id, t, 'c')
      else
        give(id, t)
        most = most - 1
      end
    end
  end
end
