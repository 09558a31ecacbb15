-- tick: creates the tasks of a schedule's ticks, as many as the budget lets through, at least one, and goes on to the tick behind
-- them. A second caller finds it advanced.
-- ARGV   now, name, the tick that it must wait for ('' for a run that was asked for: no tick is moved), the one behind all of these
--        and when that comes, how many were missed and the last of them, n of its queue (0: there is none), whether that is sure
--        ('1'; else a queue that is not there is to be looked up first), open ('1': unknown clients are auto-registered), maximum of those,
--        then for each tick: id of its task, ms of the tick, due ms
-- REPLY  'missing', 'stale' when another was first, 'queue' when that is to be looked up (nothing was done), or a letter for each
--        tick that was done: s started, a asked for, o overlapped, q no such queue, n queue not allowed, x client disabled,
--        w client unknown. It waits for the first that was not done
--@include lib/base
--@include lib/budget
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/place
--@include lib/alive
--@include lib/close
local name, expected, next_tick, comes, missed, missed_at = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local n, sure, open, strangers_max = tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10] == '1', tonumber(ARGV[11])
local FIRST, STRIDE = 12, 3
local key, asked = P .. 'schedule:' .. name, expected == ''
local f = call('HMGET', key, 'client', 'queue', 'tail', 'overlap', 'last_task', 'next')
local owner, queue_name, tail, skips, last_task = f[1], f[2], f[3], f[4] == 'skip', f[5]
if not owner then return 'missing' end
if not asked and f[6] ~= expected then return 'stale' end
if not sure and not queue(n) then return 'queue' end
local last_tick = missed > 0 and missed_at or nil

local function keep(tick, result, id)
  call('RPUSH', key .. ':runs', pack('>I6I6c1', tick, now, result) .. id)
end

-- Why no task can be created; nil when one can.
local function refusal()
  local c = client(owner)
  if c and c.on ~= '1' then return 'x' end
  if not c and (not open or call('ZCARD', P .. 'strangers') >= strangers_max) then return 'w' end
  local q = queue(n)
  if not q or q.closed then return 'q' end
  if c and c.queues and not string.find(c.queues, ',' .. queue_name .. ',', 1, true) then return 'n' end
end

local function overlaps()
  local t = skips and last_task and read_task(last_task)
  local state = t and visible_state(t)
  return state == 'a' or (state and waits(t))
end

local function make(id, tick, due)
  local why = refusal()
  if why then return why, '' end
  if not asked and overlaps() then return 'o', '' end
  -- The same call again, after an unknown result, finds the task that it made.
  if call('EXISTS', P .. 'task:' .. id) == 0 then place(queue(n), client(owner) or stranger(owner), id, due, tail) end
  last_task = id
  return asked and 'a' or 's', id
end

if missed > 0 then keep(tonumber(missed_at), 'm', '') end
local letters = {}
for at = FIRST, #ARGV, STRIDE do
  if at > FIRST and not spend(0) then
    next_tick, comes = ARGV[at + 1], ARGV[at + 2]
    break
  end
  local tick = tonumber(ARGV[at + 1])
  local letter, id = make(ARGV[at], tick, tonumber(ARGV[at + 2]))
  spend(50, id == '' and 0 or #tail)
  letters[#letters + 1] = letter
  keep(tick, letter, id)
  if not asked then last_tick = ARGV[at + 1] end
end
call('LTRIM', key .. ':runs', -10, -1)
if last_task and last_task ~= f[5] then call('HSET', key, 'last_task', last_task) end
if not asked then
  if last_tick then call('HSET', key, 'last_tick', last_tick) end
  if missed > 0 then call('HINCRBY', key, 'missed', missed) end
  call('HSET', key, 'next', next_tick, 'comes', comes)
  call('ZADD', P .. 'schedules', comes, name)
end
seat_placed()
close(claimable)
return table.concat(letters)
