-- get: tasks as readers see them, as many of the given ids as the budget permits, at least one. Readers never see tasks that were purged,
-- deleted, or are kept hidden.
-- ARGV   now, then ids
-- REPLY  how many of the ids were examined, then for each that exists: id, state, record, log
--@include lib/base
--@include lib/budget
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
local FIRST, TASK = 2, 15
local replies = { #ARGV - 1 }
for at = FIRST, #ARGV do
  local id = ARGV[at]
  local key = P .. 'task:' .. id
  if not spend(TASK, call('STRLEN', key)) and at > FIRST then
    replies[1] = at - FIRST
    break
  end
  local raw = call('GET', key)
  local t = raw and parse(raw)
  local state = t and visible_state(t)
  if state then
    replies[#replies + 1], replies[#replies + 2], replies[#replies + 3] = id, state, raw
    replies[#replies + 1] = call('LRANGE', key .. ':log', 0, -1)
  end
end
return replies
