-- lease_operations: the running operations that this runner now holds: those of a lost runner, or without one, become its
-- own. Moves are carried out one after another, because two of the same tasks could undo each other endlessly. KEYS here are the
-- configuration's.
-- ARGV   now, runner, ms that its lease lasts, then for each that it had: operation, done, failed, skipped, ids of the first 10
-- REPLY  operations
--@include lib/base
local runner, lease_ms, FIRST, STRIDE = ARGV[2], tonumber(ARGV[3]), 4, 5
local running = P .. 'operations:running'
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
for at = FIRST, #ARGV, STRIDE do
  local key = P .. 'operation:' .. ARGV[at]
  if call('HGET', key, 'runner') == runner and call('ZSCORE', running, ARGV[at]) then
    call('HSET', key, 'done', ARGV[at + 1], 'failed', ARGV[at + 2], 'skipped', ARGV[at + 3], 'sample', ARGV[at + 4], 'updated', now)
  end
end

local ours, all, has, moves, first = {}, call('ZRANGE', running, 0, -1, 'WITHSCORES'), {}, {}, nil
for i = 1, #all, 2 do
  local f = call('HMGET', P .. 'operation:' .. all[i], 'runner', 'action', 'dry_run', 'begun')
  has[i] = f[1]
  if f[2] == 'move' and not f[3] then
    moves[i] = (tonumber(f[4]) or 0) + (f[1] and 0 or 2 ^ 50) -- one that a runner has started continues
    if not first or moves[i] < moves[first] then first = i end
  end
end
for i = 1, #all, 2 do
  local id, ends = all[i], tonumber(all[i + 1])
  local key = P .. 'operation:' .. id
  if (not moves[i] or i == first) and (has[i] == runner or ends <= now or ends > now + lease_ms) then
    call('ZADD', running, now + lease_ms, id)
    call('HSET', key, 'runner', runner)
    ours[#ours + 1] = id
  end
end
return ours
