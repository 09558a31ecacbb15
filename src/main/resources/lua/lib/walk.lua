-- walk: the tasks of a shard that match, from a place on, until the budget is spent. First `wide` sets, which hold tasks of all queues,
-- then queue by queue `narrow` ones. A place is set, n, owner, score and id, each behind a line break; a set of '' is behind all of
-- queue n. Ready tasks are met owner by owner, in the order of the owners' ids, which does not change with their turns.
-- Arguments from FIRST on: n of the only queue, or -1 · wide sets (active; or label: all that have it; or ids: these) · narrow sets (due, ready, dead,
-- done, or an index of dead such as dead:h:<host>) · numbers of queues, 4 bytes each, ascending · how many steps (a set of a queue) are
-- over · '1' when no queue follows · place in the first step: owner, score, id · what to match, '' for any: letters of states, owner,
-- status, error, created from, created before, due from, due before, host with or without its port, digest of a label, ids.
-- Newest first for finished tasks or by label.
local PAGE, FEW_OWNERS, LOOK, STEP = 100, 100, 9, 8
local arguments = { unpack(ARGV, FIRST) }
local only, numbers, skip, is_last = tonumber(arguments[1]), arguments[4], tonumber(arguments[5]), arguments[6] == '1'
local states, owner_only, status, error_code = arguments[10], arguments[11], tonumber(arguments[12]), tonumber(arguments[13])
local created_from, created_before = tonumber(arguments[14]) or 0, tonumber(arguments[15]) or NEVER
local due_from, due_before = tonumber(arguments[16]) or 0, tonumber(arguments[17]) or NEVER
local host, label = arguments[18], arguments[19]
local labeled = P .. 'label:' .. label
local head_last = host ~= '' and 511 or owner_only ~= '' and 131 or 65 -- of each record, as far as is compared

local steps = { wide = {}, narrow = {} }
for set in string.gmatch(arguments[2], '%S+') do steps.wide[#steps.wide + 1] = set end
for set in string.gmatch(arguments[3], '%S+') do steps.narrow[#steps.narrow + 1] = set end

local looked, enough = 0, false
local place = { set = '', n = -1, owner = '', score = '', id = '' }
local newest_lease_first = false

--@include lib/match

-- These return whether the end was reached.
local function walk_set(visit, key, owner, newest_first, score, id)
  while true do
    local from = behind(key, newest_first, score, id)
    local page = call(newest_first and 'ZREVRANGE' or 'ZRANGE', key, from, from + PAGE - 1, 'WITHSCORES')
    spend(LOOK)
    for i = 1, #page, 2 do
      if is_enough() then return false end
      id, score = page[i], page[i + 1]
      look_at(visit, owner, score, id)
    end
    if #page < PAGE * 2 then return true end
  end
end

--@include lib/walk_ready

local function walk_label(visit, id)
  while true do
    local page = call('ZREVRANGEBYLEX', labeled, id == '' and '+' or '(' .. id, '-', 'LIMIT', 0, PAGE)
    spend(2 * LOOK)
    for _, one in ipairs(page) do
      if is_enough() then return false end
      look_at(visit, '', '', one)
    end
    if #page < PAGE then return true end
    id = page[PAGE]
  end
end

local function walk_step(visit, set, n, owner, score, id)
  if set == 'label' then return walk_label(visit, id) end
  if set == 'ids' then
    for one in string.gmatch(arguments[20], string.rep('.', 16)) do
      if is_enough() then return false end
      if id == '' then look_at(visit, '', '', one) elseif one == id then id = '' end
    end
    return true
  end
  if set == 'active' then return walk_set(visit, P .. 'leases', '', newest_lease_first, score, id) end
  local q = queue(n)
  if not q then return true end
  if set == 'ready' then return walk_ready(visit, q, owner, score, id) end
  if set == 'due' then return walk_set(visit, q.base .. 'due', '', false, score, id) end
  return walk_set(visit, P .. 'queue:' .. n .. ':' .. set, '', true, score, id)
end

-- Visits what matches. `enter` is called with each step before its first task. Returns whether the end was reached; if not, `place` is
-- where to
-- continue.
local function walk(visit, enter)
  local wide, narrow, owner, score, id = steps.wide, steps.narrow, arguments[7], arguments[8], arguments[9]
  for i = skip, #wide + #numbers / 4 * #narrow - 1 do
    local at = i - #wide
    if at < 0 then
      place.set, place.n = wide[i + 1], only
    else
      place.set, place.n = narrow[at % #narrow + 1], unpack_struct('>I4', numbers, math.floor(at / #narrow) * 4 + 1)
    end
    go_to(owner, score, id)
    if is_enough() then return false end
    if enter then enter(place.set, score == '' and id == '') end
    if not walk_step(visit, place.set, place.n, owner, score, id) then return false end
    spend(STEP)
    owner, score, id = '', '', ''
  end
  if is_last then return true end
  if #numbers > 0 then place.set, place.n = '', unpack_struct('>I4', numbers, #numbers - 3) end
  go_to('', '', '')
  return false
end
