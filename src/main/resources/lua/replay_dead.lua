-- replay_dead: dead tasks of a queue start again, oldest first, as many as one call may start.
-- ARGV   now, n, most to start, client or '' for all, look at those that died at or before this ms, behind: score, id ('' from the start)
-- REPLY  how many were started, '1' at the end, score and id of the last that was looked at
--@include lib/base
--@include lib/budget
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/revive
--@include lib/behind
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q, most, owner, until_ms, score, id = queue(tonumber(ARGV[2])), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local PAGE, LOOK, MOVE = 100, 5, 45
if not q then return { 0, '1', '', '' } end
local started, dead = 0, P .. 'queue:' .. q.n .. ':dead'

local function start()
  while true do
    local from = behind(dead, false, score, id)
    local page = call('ZRANGE', dead, from, from + PAGE - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
      if started >= most or tonumber(page[i + 1]) > until_ms then return true end
      if budget_left <= 0 then return false end
      id, score = page[i], page[i + 1]
      local t = read_front(id)
      spend(LOOK)
      if t and t.state == 'd' and (owner == '' or t.owner == owner) and revive(q, id, t) then
        started = started + 1
        spend(MOVE)
      end
    end
    if #page < PAGE * 2 then return true end
  end
end

local over = start()
serve(q)
close(started > 0)
return { started, over and '1' or '0', score, id }
