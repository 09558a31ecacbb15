-- keeper: of the workers that found too few tasks, one waits exactly until the next timer; the others look again after a second.

-- When the next task is due, the next token there, or the next gate to be asked; NEVER when nothing is known.
local function next_timer()
  local timer = tonumber(call('ZRANGE', P .. 'timers', '0', '0', 'WITHSCORES')[2]) or NEVER
  return math.min(timer, tonumber(call('ZRANGE', P .. 'shut', '0', '0', 'WITHSCORES')[2]) or NEVER)
end

-- Returns in how many ms this worker should look again; -1 for about a second.
local function keep_time(short, timer)
  local s = shard()
  if not short then
    call('ZREM', P .. 'idle', worker)
    if s.keeper == worker then
      s.keeper, s.keeper_at, s.dirty = '', NEVER, true
      wake()
    end
    return -1
  end
  call('ZADD', P .. 'idle', text(now + 3000), worker)
  if s.keeper == '' or s.keeper == worker or now > s.keeper_at + 200 or timer < s.keeper_at then
    s.keeper, s.keeper_at, s.dirty = worker, math.min(timer, now + 1000), true
    return math.max(0, s.keeper_at - now)
  end
  return -1
end
