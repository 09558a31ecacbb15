-- walk: ids of one of a queue's sets, from a position on, at most 1,000.
-- ARGV   now, n, set (due, dead, done, active, ready), most, after: owner (ready alone), score, id; scores '' from the start;
--        newest first for dead and done, owner by owner for ready
-- REPLY  id, score, owner, …
--@include lib/base
--@include lib/task
--@include lib/queue
--@include lib/behind
local n, set, most, after_owner, after_score, after_id = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
local q = queue(n)
if not q then return {} end
local found = {}

local function walk(key, owner, newest_first, score, id)
  local from, left = behind(key, newest_first, score, id), most - #found / 3
  local page = call(newest_first and 'ZREVRANGE' or 'ZRANGE', key, from, from + left - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    found[#found + 1], found[#found + 2], found[#found + 3] = page[i], page[i + 1], owner
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
