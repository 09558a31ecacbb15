-- drain_client: the tasks of a deleted client.
local function drain_client(owner, n, place)
  local q, c = queue(tonumber(n)), client(owner)
  if not q then return true end
  local set, cursor = string.match(place, '^([rd])(%d+)$')
  if not set then set, cursor = 'r', '0' end
  local item = 'client:' .. owner .. ':' .. n .. ':'
  local page, ended = call('ZSCAN', q.base .. (set == 'r' and 'ready:' .. owner or 'due'), cursor, 'COUNT', PAGE), 0
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local t = read_task(id)
    spend(5)
    if t and t.owner == owner and (not c or c.gen ~= t.client_gen) then
      spend(25)
      take_out(q, id, t)
      finish(q, id, t, 'c')
      ended = ended + 1
      if ended == STEP then return false, item .. set .. cursor end -- the same page again
    end
  end
  if page[1] ~= '0' then return false, item .. set .. page[1] end
  return set == 'd', item .. 'd0'
end
