-- bulk: a chunk of an operation: does it to some tasks of a queue, and keeps what it counted with the place behind them, so that
-- a chunk that is sent again, or by another process too, is done and counted once.
-- ARGV   now, operation, chunks that went before in this shard, action (cancel, run, retry, move, delete), '1' to count alone,
--        letters of the states that it is for, ms: what was made, or ended, later is not meant, n of the queue or -1 for any,
--        n of the queue to move to or '', ms that this is kept, place behind the chunk ('' at the end), then ids, at most 100
-- REPLY  'went', 'passed' (other chunks did), 'stopped' or 'no_queue', which changed nothing; then what is kept: chunks, done,
--        failed, skipped, place, '1' at the end, ids of the first 10 that were done
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/finish
--@include lib/alive
--@include lib/cancel
--@include lib/run_now
--@include lib/revive
--@include lib/move
--@include lib/retire
--@include lib/close
local key, before, action, dry, states = P .. 'operation:' .. ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1', ARGV[6]
local until_ms, n, to = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] ~= '' and queue(tonumber(ARGV[9]))
local keep_ms, place, FIRST, SAMPLE = ARGV[10], ARGV[11], 12, 160
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local f = call('HMGET', key, 'chunks', 'done', 'failed', 'skipped', 'place', 'over', 'sample', 'stopped')
local chunks, sample = tonumber(f[1]) or 0, f[7] or ''
local counts = { done = tonumber(f[2]) or 0, failed = tonumber(f[3]) or 0, skipped = tonumber(f[4]) or 0 }

local function answer(word)
  return { word, chunks, counts.done, counts.failed, counts.skipped, f[5] or '', f[6] or '0', sample }
end

if f[8] then return answer('stopped') end
if chunks ~= before then return answer('passed') end
if action == 'move' and (not to or to.closed) then return answer('no_queue') end

-- What speaks against doing it: it is so no more, or a rule forbids it.
local function objection(q, id, t)
  local state = q and visible_state(t)
  if not state or (n ~= -1 and t.n ~= n) or not string.find(states, state, 1, true) then return 'skipped' end
  if t.created > until_ms or t.ended > until_ms or (to and t.n == to.n) then return 'skipped' end
  if action == 'move' and not may_move(to, id, t) then return 'failed' end
  local c = client(t.owner)
  if action == 'retry' and c and c.on == 'x' then return 'failed' end
end

local moves = { cancel = cancel, run = run_now, retry = revive, delete = function(_, id) retire(id) end,
  move = function(from, id, t) move(from, to, id, t) end }

local touched = {}
for at = FIRST, #ARGV do
  local id = ARGV[at]
  local t = read_task(id)
  local q = t and queue(t.n)
  local came = objection(q, id, t) or 'done'
  if came == 'done' then
    if not dry then
      moves[action](q, id, t)
      touched[q] = true
    end
    if #sample < SAMPLE then sample = sample .. id end
  end
  counts[came] = counts[came] + 1
end
chunks, f[5], f[6] = chunks + 1, place, place == '' and '1' or '0'
call('HSET', key, 'chunks', chunks, 'done', counts.done, 'failed', counts.failed, 'skipped', counts.skipped, 'place', place,
  'over', f[6], 'sample', sample)
call('PEXPIRE', key, keep_ms)
if not dry then
  for q in pairs(touched) do serve(q) end
  if to then serve(to) end
  close(action ~= 'delete' and action ~= 'cancel')
end
return answer('went')
