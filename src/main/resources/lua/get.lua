-- get: tasks as a reader sees them. Readers never see what was purged, deleted, or is kept hidden.
-- ARGV   now, then ids
-- REPLY  for each that is there: id, state, record, log
--@include lib/base
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
local replies = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  local raw = call('GET', P .. 'task:' .. id)
  local t = raw and parse(raw)
  local state = t and visible_state(t)
  if state then
    replies[#replies + 1], replies[#replies + 2], replies[#replies + 3] = id, state, raw
    replies[#replies + 1] = call('LRANGE', P .. 'task:' .. id .. ':log', 0, -1)
  end
end
return replies
