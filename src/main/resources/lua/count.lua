-- count: how many tasks match, from a position on.
-- ARGV   now, then as in lib/walk
-- REPLY  how many were looked at, '1' at the end, the place to go on from, how many match
--@include lib/base
--@include lib/budget
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
local FIRST = 2
--@include lib/behind
--@include lib/walk
local count = 0

local over = walk(function(id)
  local t = place.set == 'label' and read_task(id) -- a purged one stays there for a while
  if not t or visible_state(t) then count = count + 1 end
  return false
end)
return { looked, over and '1' or '0', place_text(), count }
