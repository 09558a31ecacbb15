-- list_tasks: waiting and running tasks of a queue of Cloud Tasks, oldest first, from a position on; fewer than wanted when they are
-- large.
-- ARGV   now, n, most, behind: score, id; '' from the start
-- REPLY  'tasks', '1' when there may be more, score and id of the last that was looked at, then id and record of each; or
--        'no_queue'
--@include lib/base
--@include lib/budget
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
--@include lib/behind
local n, most, score, after = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local PAGE, TASK = 100, 15
local q = queue(n)
if not q then return { 'no_queue' } end
local reply = { 'tasks', '1', score, after }

-- Returns whether there may be more in this call.
local function look_at(id)
  local key = P .. 'task:' .. id
  local may_go_on = spend(TASK, call('STRLEN', key))
  if not may_go_on and #reply > 4 then return false end
  local raw = call('GET', key)
  local t = raw and parse(raw)
  if t and (visible_state(t) == 'a' or waits(t)) then reply[#reply + 1], reply[#reply + 2] = id, raw end
  return true
end

while true do
  local from = behind(q.base .. 'all', false, reply[3], reply[4])
  local page = call('ZRANGE', q.base .. 'all', from, from + PAGE - 1, 'WITHSCORES')
  for i = 1, #page, 2 do
    if #reply >= 4 + 2 * most or budget_left <= 0 or not look_at(page[i]) then return reply end
    reply[3], reply[4] = page[i + 1], page[i]
  end
  if #page < PAGE * 2 then
    reply[2] = '0'
    return reply
  end
end
