-- walk_ready: the ready tasks of a queue, owner by owner.
-- The next owners behind one (nil: from the start) that may have ready tasks; and, when there may be others, behind whom.
local function owners_behind(q, owner)
  local turns, owners = call('ZRANGE', q.base .. 'turns', 0, FEW_OWNERS), {}
  if #turns <= FEW_OWNERS then
    for _, one in ipairs(turns) do
      if not owner or before(owner, one) then owners[#owners + 1] = one end
    end
    table.sort(owners, before)
    spend(#turns * LOOK)
    return owners
  end
  local page = call('ZRANGEBYLEX', P .. 'clients', owner and '(' .. owner or '-', '+', 'LIMIT', 0, PAGE)
  for _, one in ipairs(page) do
    if call('EXISTS', q.base .. 'ready:' .. one) == 1 then owners[#owners + 1] = one end
  end
  spend(#page * 3)
  return owners, #page == PAGE and page[PAGE]
end

local function walk_ready(visit, q, owner, score, id)
  local function of(one) return q.base .. 'ready:' .. one end
  if owner_only ~= '' then return walk_set(visit, of(owner_only), owner_only, false, score, id) end
  local begun = owner ~= '' or score ~= ''
  if begun and not walk_set(visit, of(owner), owner, false, score, id) then return false end
  local last = begun and owner or nil
  repeat
    local owners
    owners, last = owners_behind(q, last)
    for _, one in ipairs(owners) do
      go_to(one, '', '')
      if is_enough() or not walk_set(visit, of(one), one, false, '', '') then return false end
    end
    if last then
      go_to(last, '', '')
      if is_enough() then return false end
    end
  until not last
  return true
end
