-- match: which tasks a walk is for, and how far it looks.
local function place_text()
  return table.concat({ place.set, place.n, place.owner, place.score, place.id }, '\n')
end

local function go_to(owner, score, id)
  place.owner, place.score, place.id = owner, score, id
end

local function is_host(id, raw)
  local its = host_behind(id, parse(raw))
  return its == host or string.match(its, '^(.*):%d+$') == host
end

local function matches(id)
  local head = call('GETRANGE', P .. 'task:' .. id, 0, head_last)
  if #head == 0 and place.set == 'label' then call('ZREM', labeled, id) end -- of a deleted task
  if #head < 66 then return false end
  local state, _, its_error, its_status = unpack_struct('>c1BBI2', head, 2)
  if states ~= '' and not string.find(states, state, 1, true) then return false end
  if (status and status ~= its_status) or (error_code and error_code ~= its_error) then return false end
  if only ~= -1 and unpack_struct('>I4', head, 43) ~= only then return false end
  local due, created = unpack_struct('>I6', head, 25), unpack_struct('>I6', head, 53)
  if created < created_from or created >= created_before or due < due_from or due >= due_before then return false end
  if owner_only ~= '' and string.sub(head, 69, 68 + (string.byte(head, 68) or 0)) ~= owner_only then return false end
  if label ~= '' and place.set ~= 'label' and not call('ZSCORE', labeled, id) then return false end
  if host == '' then return true end
  spend(2 * LOOK)
  return is_host(id, head)
end

local function is_enough()
  return enough or budget_left <= 0
end

-- `visit` returns whether it has enough; 'again' when the next call is to begin with this very task.
local function look_at(visit, owner, score, id)
  local owner_before, score_before, id_before = place.owner, place.score, place.id
  looked = looked + 1
  go_to(owner, score, id)
  spend(LOOK)
  local answer = matches(id) and visit(id, score)
  if answer then enough = true end
  if answer == 'again' then go_to(owner_before, score_before, id_before) end
end
