-- list_tasks: tasks of a queue of Cloud Tasks that wait or run, oldest first, from a position on; fewer than wanted when they are
-- large.
-- ARGV   now, n, most, behind: score, id; '' from the start
-- REPLY  'tasks', '1' when there may be more, score and id of the last that was looked at, then id and record of each; or
--        'no_queue'
--@include lib/base
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/alive
local n, most, score, after = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local BYTES_MAX = 8 * 1024 * 1024
local q = queue(n)
if not q then return { 'no_queue' } end
local from = score == '' and '-inf' or score
local reply, bytes, offset = { 'tasks', '0', score, after }, 0, 0

-- Members of equal score stand in the order of their bytes, so that (score, id) is a position that survives removals.
local function passed(id, at)
  return score ~= '' and tonumber(at) == tonumber(score) and id <= after
end

local function look_at(id)
  local raw = call('GET', P .. 'task:' .. id)
  local t = raw and parse(raw)
  if t and (visible_state(t) == 'a' or waits(t)) then
    reply[#reply + 1], reply[#reply + 2] = id, raw
    bytes = bytes + #raw
  end
end

while true do
  local page = call('ZRANGEBYSCORE', q.base .. 'all', from, '+inf', 'WITHSCORES', 'LIMIT', offset, 200)
  for i = 1, #page, 2 do
    if not passed(page[i], page[i + 1]) then
      if #reply >= 4 + 2 * most or bytes >= BYTES_MAX then
        reply[2] = '1'
        return reply
      end
      reply[3], reply[4] = page[i + 1], page[i]
      look_at(page[i])
    end
  end
  if #page < 400 then return reply end
  offset = offset + 200
end
