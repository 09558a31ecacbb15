-- get: tasks as readers see them, as many of the given ids as the budget permits, at least one. Readers never see tasks that were purged,
-- deleted, or are kept hidden.
-- ARGV   now, '1' to leave out bodies and logs, then ids
-- REPLY  how many of the ids were examined, then for each that exists: id, state, record, log, policy of its queue
--@include lib/base
--@include lib/budget
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
local FIRST, TASK = 3, 15
local brief, replies = ARGV[2] == '1', { #ARGV - 2 }

-- A record without its body, which a succeeded or cancelled task no longer has.
local function without_body(key)
  local t = parse(call('GETRANGE', key, 0, FRONT_LAST))
  if not t then return false end
  local dropped = t.state == 'k' or t.state == 'c'
  return call('GETRANGE', key, 0, dropped and -1 or -1 - t.body)
end

for at = FIRST, #ARGV do
  local id = ARGV[at]
  local key = P .. 'task:' .. id
  if not spend(TASK, brief and FRONT_LAST or call('STRLEN', key)) and at > FIRST then
    replies[1] = at - FIRST
    break
  end
  local raw = brief and without_body(key) or not brief and call('GET', key)
  local t = raw and parse(raw)
  local state = t and visible_state(t)
  if state then
    replies[#replies + 1], replies[#replies + 2], replies[#replies + 3] = id, state, raw
    local log = brief and {} or call('LRANGE', key .. ':log', 0, -1)
    for _, entry in ipairs(log) do spend(0, #entry) end
    local q = not brief and queue(t.n)
    replies[#replies + 1], replies[#replies + 2] = log, q and q.policy or ''
  end
end
return replies
