-- retire: deletes a finished task and all its data.
local function retire(id)
  local t = read_task(id)
  spend(20)
  call('ZREM', P .. 'retire', id)
  if not t or t.state ~= 'd' and t.state ~= 'k' and t.state ~= 'c' then return end
  local q = queue(t.n)
  if t.state == 'd' then
    spend(30)
    if q then count_dead(q, id, -1) else index_dead(t.n, id, -1) end
    call('ZREM', P .. 'queue:' .. t.n .. ':dead', id)
  elseif call('ZREM', P .. 'queue:' .. t.n .. ':done', id) == 1 and q and t.state == 'c' then
    call('HINCRBY', q.flow, 'cancelled', -1)
  end
  if t.mask % 64 >= LABELED then unlabel(id, t) end
  call('DEL', P .. 'task:' .. id, P .. 'task:' .. id .. ':log')
end
