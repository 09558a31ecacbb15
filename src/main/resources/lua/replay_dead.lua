-- replay_dead: dead tasks of a queue start again, oldest first, as many as one call may.
-- ARGV   now, n, most to start, client or '' for all, look at those that died at or before this ms, and from this rank on
-- REPLY  how many were started, rank to go on from (-1: the end was reached)
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/revive
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local q, most, owner, until_ms, rank = queue(tonumber(ARGV[2])), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if not q then return { 0, -1 } end

local ids = call('ZRANGEBYSCORE', P .. 'queue:' .. q.n .. ':dead', '-inf', until_ms, 'LIMIT', rank, 200)
local started, over = 0, #ids < 200
for _, id in ipairs(ids) do
  if not spend(5) then
    over = false
    break
  end
  local t = started < most and read_task(id)
  if t and t.state == 'd' and (owner == '' or t.owner == owner) and revive(q, id, t) then
    started = started + 1
  else
    rank = rank + 1
  end
end
serve(q)
close(started > 0)
return { started, (over or started >= most) and -1 or rank }
