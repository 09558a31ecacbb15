-- search: tasks that match, from a position on. All compared values are in the heads of the records, except the host, which is compared
-- last.
-- Results are candidates: the caller reads the records and checks again.
-- ARGV   now, most to find, most bytes that the records found may have together (one is always found), then as in lib/walk
-- REPLY  how many were looked at, '1' at the end, the place to go on from, bytes of the records found, then their ids
--@include lib/base
--@include lib/budget
--@include lib/task
--@include lib/queue
local FIRST = 4
--@include lib/behind
--@include lib/walk
local most, bytes_max = tonumber(ARGV[2]), tonumber(ARGV[3])
local found, bytes = {}, 0

local over = walk(function(id)
  found[#found + 1], bytes = id, bytes + call('STRLEN', P .. 'task:' .. id)
  spend(2)
  return #found >= most or bytes >= bytes_max
end)
return { looked, over and '1' or '0', place_text(), bytes, unpack(found) }
