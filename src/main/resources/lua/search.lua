-- search: tasks of one of a queue's sets, or with a label, that match, from a position on. What is compared stands in the records'
-- heads; the host, which does not, is looked at last. What is found may match: whoever reads the records looks again.
-- ARGV   now, n, set (due, dead, done, active, ready, an index of dead such as dead:h:<host>, or label: all that have it, of queue n
--        or of any when n is -1), most to look at, most to find, after: owner (ready alone), score, id ('' for all from the start);
--        then what to match, '' for any: letters of states, owner, status, error, created from, created before, due
--        from, due before, host with or without its port, the digest of a label. Newest first for what is over or by label, owner by
--        owner for ready
-- REPLY  how many were looked at, '1' at the end of the set, owner, score and id of the last one, then the ids that match
--@include lib/base
--@include lib/task
--@include lib/queue
--@include lib/behind
local n, set, look_max, find_max = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local after_owner, after_score, after_id = ARGV[6], ARGV[7], ARGV[8]
local states, owner, status, error = ARGV[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local created_from, created_before = tonumber(ARGV[13]) or 0, tonumber(ARGV[14]) or NEVER
local due_from, due_before, host = tonumber(ARGV[15]) or 0, tonumber(ARGV[16]) or NEVER, ARGV[17]
local label = ARGV[18]
local PAGE, OWNERS_MAX = 100, 100
local by_label, labeled = set == 'label', P .. 'label:' .. label
local q = queue(n)
if not q and n ~= -1 then return { 0, '1', '', '', '' } end
local found, looked, at = {}, 0, { '', '', '' }
local last = host ~= '' and 511 or owner ~= '' and 131 or 65 -- of each record, as far as is compared

local function is_host(id, raw)
  local its = host_behind(id, parse(raw))
  return its == host or string.match(its, '^(.*):%d+$') == host
end

local function matches(id)
  local head = call('GETRANGE', P .. 'task:' .. id, 0, last)
  if #head < 66 then
    if by_label then call('ZREM', labeled, id) end -- of a task that an older version dropped
    return false
  end
  local state, _, its_error, its_status = unpack_struct('>c1BBI2', head, 2)
  if states ~= '' and not string.find(states, state, 1, true) then return false end
  if (status and status ~= its_status) or (error and error ~= its_error) then return false end
  if n ~= -1 and (by_label or set == 'active') and unpack_struct('>I4', head, 43) ~= n then return false end
  local due, created = unpack_struct('>I6', head, 25), unpack_struct('>I6', head, 53)
  if created < created_from or created >= created_before or due < due_from or due >= due_before then return false end
  if owner ~= '' and string.sub(head, 69, 68 + string.byte(head, 68)) ~= owner then return false end
  if label ~= '' and not by_label and not call('ZSCORE', labeled, id) then return false end
  return host == '' or is_host(id, head)
end

local function is_enough()
  return looked >= look_max or #found >= find_max
end

-- Says whether the end was reached.
local function walk(key, of, newest_first, score, id)
  local from = behind(key, newest_first, score, id)
  while true do
    local page = call(newest_first and 'ZREVRANGE' or 'ZRANGE', key, from, from + PAGE - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
      if is_enough() then return false end
      looked, at[1], at[2], at[3] = looked + 1, of, page[i + 1], page[i]
      if matches(page[i]) then found[#found + 1] = page[i] end
    end
    if #page < PAGE * 2 then return true end
    from = from + PAGE
  end
end

-- Of the first 10,000 owners with ready tasks, in the order of their ids.
local function walk_ready()
  if owner ~= '' then return walk(q.base .. 'ready:' .. owner, owner, false, after_score, after_id) end
  local owners = {}
  for _, one in ipairs(call('ZRANGE', q.base .. 'turns', 0, 9999)) do
    if one >= after_owner then owners[#owners + 1] = one end
  end
  table.sort(owners)
  for i = 1, math.min(#owners, OWNERS_MAX) do
    local one = owners[i]
    local begun = one == after_owner
    if not walk(q.base .. 'ready:' .. one, one, false, begun and after_score or '', begun and after_id or '') then return false end
    if i == OWNERS_MAX and i < #owners and at[1] == '' then at[1] = one end
  end
  return #owners <= OWNERS_MAX
end

local function walk_label()
  local from = after_id == '' and '+' or '(' .. after_id
  while true do
    local page = call('ZREVRANGEBYLEX', labeled, from, '-', 'LIMIT', 0, PAGE)
    for _, id in ipairs(page) do
      if is_enough() then return false end
      looked, at[3] = looked + 1, id
      if matches(id) then found[#found + 1] = id end
    end
    if #page < PAGE then return true end
    from = '(' .. page[PAGE]
  end
end

local over
if by_label then
  over = walk_label()
elseif set == 'due' then
  over = walk(q.base .. 'due', '', false, after_score, after_id)
elseif set == 'active' then
  over = walk(P .. 'leases', '', false, after_score, after_id)
elseif set == 'ready' then
  over = walk_ready()
else
  over = walk(P .. 'queue:' .. n .. ':' .. set, '', true, after_score, after_id)
end
return { looked, over and '1' or '0', at[1], at[2], at[3], unpack(found) }
