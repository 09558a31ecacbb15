-- bulk: a chunk of an operation: applies it to the next matching tasks, and stores the counts and the next position, atomically,
-- so that a chunk that is sent again, or by another process too, is done and counted once. A task is met once:
--   · A task that was cancelled, moved or deleted is no longer where it was found. `run` and `retry` raise the claim number of what
--     they start above the time when the operation began; so does an attempt: a task with such a number is not started again.
--   · A task that stays where it is (in a dry run, or when a rule forbids the move) is counted only in the first round, and while no
--     attempt has been made since the operation began. Where due tasks and then ready ones are walked, due tasks become ready
--     first, up to a time (`split_at`) from which on a ready task was met as a due one.
--   · `cancel` and `move` repeat until a round did nothing: so tasks that moved between sets meanwhile are visited too.
-- ARGV   now, operation, chunks that went before in this shard, action (cancel, run, retry, move, delete), '1' to only count, ms: tasks
--        created, or ended, later are not included, n of the queue to move to or '', ms that this is kept, maximum tasks, '1' to repeat
--        rounds, round, how many were done in it, split_at or '', then as in lib/walk
-- REPLY  'went', 'passed' (other chunks did), 'stopped' or 'no_queue', which changed nothing; how many tasks the chunk came to; then what
--        is kept: chunks, done, failed, skipped (their records cannot be read), place (round, how many were done in it, split_at and the
--        walk's, each behind a line break), '1' at the end, ids of the first 10 done
--@include lib/base
--@include lib/budget
--@include lib/wake
--@include lib/task
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/labels
--@include lib/finish
--@include lib/alive
--@include lib/cancel
--@include lib/run_now
--@include lib/revive
--@include lib/move
--@include lib/retire
--@include lib/close
local FIRST = 14
--@include lib/behind
--@include lib/walk
local key, chunks_before, action, dry, until_ms = P .. 'operation:' .. ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local to, keep_ms, most, again = ARGV[7] ~= '' and queue(tonumber(ARGV[7])), ARGV[8], tonumber(ARGV[9]), ARGV[10] == '1'
local round, moved, split_at = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local SAMPLE, MOVE, READ = 160, 45, 12
call('DEL', KEYS[2]) -- a removal first: let through when memory is full

local f = call('HMGET', key, 'chunks', 'done', 'failed', 'skipped', 'place', 'over', 'sample', 'stopped')
local chunks, sample, tasks = tonumber(f[1]) or 0, f[7] or '', 0
local counts = { done = tonumber(f[2]) or 0, failed = tonumber(f[3]) or 0, skipped = tonumber(f[4]) or 0 }

local function answer(word)
  return { word, tasks, chunks, counts.done, counts.failed, counts.skipped, f[5] or '', f[6] or '0', sample }
end

if f[8] then return answer('stopped') end
if chunks ~= chunks_before then return answer('passed') end
if action == 'move' and (not to or to.closed) then return answer('no_queue') end

--@include lib/bulk_task

local over = walk(function(id, score)
  local t = read_front(id)
  spend(READ)
  if t and host_behind(id, t) == '-:0' then t = nil end -- truncated
  if not t then return round == 1 and count('skipped') end
  local q = queue(t.n)
  if not is_meant(t, q) then return false end
  if is_late(score) then
    make_late_ready(q, id, t)
    touched[q], claimable = true, true
    return not spend(MOVE)
  end
  local forbidden = is_forbidden(id, t)
  if (dry or forbidden) and not counts_here(t) then return false end
  if forbidden then return count('failed') end
  if not dry then
    -- A large body is left for a call that has done little else.
    if t.body * BYTE_COST > budget_left and budget_left < BUDGET / 2 then return 'again' end
    moves[action](q, id, t)
    touched[q], moved = true, moved + 1
    claimable = claimable or action ~= 'delete' and action ~= 'cancel'
    spend(MOVE, t.body)
  end
  if #sample < SAMPLE then sample = sample .. id end
  return count('done')
end, enter)

local rounds = over and again and moved > 0
if rounds then
  round, moved, split_at, over = round + 1, 0, nil, false
  place.set, place.n = steps.wide[1] or '', steps.wide[1] and only or -2
  go_to('', '', '')
end
chunks, f[6] = chunks + 1, over and '1' or '0'
f[5] = table.concat({ round, moved, split_at or '', place_text() }, '\n')
call('HSET', key, 'chunks', chunks, 'done', counts.done, 'failed', counts.failed, 'skipped', counts.skipped, 'place', f[5],
  'over', f[6], 'sample', sample)
call('PEXPIRE', key, keep_ms)
for q in pairs(touched) do serve(q) end
if to and next(touched) then serve(to) end
close(claimable)
return answer('went')
