-- trim: a queue keeps as many finished and dead tasks as it may; the oldest are dropped.
--@include lib/excerpt
local trimmed_done, trimmed_dead = 0, 0

local function caps(q)
  if not q.caps then
    local f = call('HMGET', q.flow, 'done_max', 'dead_max', 'dead_max_bytes', 'dead_retention_ms', 'dead_bytes')
    q.caps = {
      done_max = tonumber(f[1]), dead_max = tonumber(f[2]), dead_max_bytes = tonumber(f[3]),
      dead_retention_ms = tonumber(f[4]), dead_bytes = tonumber(f[5]) or 0,
    }
  end
  return q.caps
end

-- Adds a task to a queue's dead (1), or removes it (-1).
local function count_dead(q, id, change)
  local limits = caps(q)
  index_dead(q.n, id, change)
  limits.dead_bytes = math.max(0, limits.dead_bytes + change * bytes_of_dead(id))
  call('HSET', q.flow, 'dead_bytes', limits.dead_bytes)
end

-- Removes a task from the label indexes, because its record is deleted.
local function unlabel(id, t)
  for _, key in ipairs(label_keys_of(id, t)) do
    spend(8)
    call('ZREM', key, id)
  end
end

-- Drops the oldest task of a queue's `done` or `dead`.
local function trim_oldest(q, set)
  local id = call('ZPOPMIN', P .. 'queue:' .. q.n .. ':' .. set)[1]
  if not id then return false end
  if set == 'dead' then count_dead(q, id, -1) end
  local t = read_task(id)
  spend(set == 'dead' and 45 or 20)
  if t and t.state == 'c' then call('HINCRBY', q.flow, 'cancelled', -1) end
  if t and t.mask % 64 >= LABELED then unlabel(id, t) end
  call('ZREM', P .. 'retire', id)
  call('DEL', P .. 'task:' .. id, P .. 'task:' .. id .. ':log')
  return true
end

-- Whether more is kept than a queue allows: 'done' or 'dead'.
local function is_over(q, set)
  local count, limits = call('ZCARD', P .. 'queue:' .. q.n .. ':' .. set), caps(q)
  if set == 'done' then return count > limits.done_max end
  return count > limits.dead_max or (limits.dead_bytes > limits.dead_max_bytes and count > 1)
end

-- A task was added to the kept ones: at most two others are dropped for it. When that is not enough, `tidy` drops the rest.
local function keep_within(q, set)
  for _ = 1, 2 do
    if not is_over(q, set) or not trim_oldest(q, set) then return end
    if set == 'done' then trimmed_done = trimmed_done + 1 else trimmed_dead = trimmed_dead + 1 end
  end
  if is_over(q, set) and call('HSETNX', q.flow, 'trimming_' .. set, 1) == 1 then
    call('RPUSH', P .. 'drain', 'trim:' .. q.n .. ':' .. set)
  end
end
