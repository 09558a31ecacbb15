-- walk: ids of one of a queue's sets, from a position on, at most 1,000.
-- ARGV   now, n, set (due, dead, done, active, ready), most, after: owner (ready alone), score, id; scores '' from the start;
--        newest first for dead and done, owner by owner for ready
-- REPLY  id, score, owner, …
--@include lib/base
--@include lib/task
--@include lib/queue
local n, set, most, after_owner, after_score, after_id = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
local q = queue(n)
if not q then return {} end
local found = {}

-- Members of equal score stand in the order of their bytes, so that (score, id) is a position that survives removals.
local function walk(key, owner, newest_first, score, id)
  local command = newest_first and 'ZREVRANGEBYSCORE' or 'ZRANGEBYSCORE'
  local from, to = score == '' and (newest_first and '+inf' or '-inf') or score, newest_first and '-inf' or '+inf'
  local offset = 0
  while #found / 3 < most do
    local page = call(command, key, from, to, 'WITHSCORES', 'LIMIT', offset, most)
    for i = 1, #page, 2 do
      local passed = score ~= '' and tonumber(page[i + 1]) == tonumber(score)
        and ((newest_first and page[i] >= id) or (not newest_first and page[i] <= id))
      if not passed and #found / 3 < most then
        found[#found + 1], found[#found + 2], found[#found + 3] = page[i], page[i + 1], owner
      end
    end
    if #page < most * 2 then return end
    offset = offset + most
  end
end

if set == 'due' then
  walk(q.base .. 'due', '', false, after_score, after_id)
elseif set == 'active' then
  walk(P .. 'leases', '', false, after_score, after_id)
elseif set == 'ready' then
  local owners = call('ZRANGE', q.base .. 'turns', 0, 9999)
  table.sort(owners)
  for _, owner in ipairs(owners) do
    if owner == after_owner then
      walk(q.base .. 'ready:' .. owner, owner, false, after_score, after_id)
    elseif owner > after_owner then
      walk(q.base .. 'ready:' .. owner, owner, false, '', '')
    end
    if #found / 3 >= most then break end
  end
else
  walk(P .. 'queue:' .. n .. ':' .. set, '', true, after_score, after_id)
end
return found
