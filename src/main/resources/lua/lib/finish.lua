-- finish: ends a task: it is kept for its retention, within the bounds of its queue.
--@include lib/budget
--@include lib/cloud
--@include lib/dead
--@include lib/labels
--@include lib/callback
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

local hide_kept = nil

-- Adds a task to a queue's dead (1), or removes it (-1).
local function count_dead(q, id, change)
  local limits = caps(q)
  index_dead(q.n, id, change)
  limits.dead_bytes = math.max(0, limits.dead_bytes + change * call('STRLEN', P .. 'task:' .. id))
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

local function forget(id, t)
  spend(15)
  if t.mask % 64 >= LABELED then unlabel(id, t) end
  call('DEL', P .. 'task:' .. id, P .. 'task:' .. id .. ':log')
  count_live(t.owner, -1, t.body)
  if t.cloud then unlist(id, t) end
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

local function bury(q, id, t)
  write_head(id, t)
  local limits = caps(q)
  call('ZADD', P .. 'queue:' .. q.n .. ':dead', now_text, id)
  call('ZADD', P .. 'retire', now + limits.dead_retention_ms, id)
  count_dead(q, id, 1)
  spend(45)
  keep_within(q, 'dead')
end

-- Functions only for tasks with a callback are created when the first of them ends: creating each costs time in every call.

-- Ends a task that is in none of the sets of waiting or running tasks. States: k succeeded, c cancelled, d dead.
local function finish(q, id, t, state)
  t.state, t.ended = state, now
  spend(10)
  if not q then
    forget(id, t)
    return
  end
  if t.mask % 128 >= CALLBACK then
    spend(150)
    tell_end(q, id, t)
  end
  count_live(t.owner, -1, t.body)
  if t.cloud then unlist(id, t) end
  if state == 'd' then
    bury(q, id, t)
  elseif t.retention == 0 then
    -- The head stays a while, hidden from readers, so that a repeated enqueue or verdict finds it.
    if t.mask % 64 >= LABELED then unlabel(id, t) end
    local changed = front(t)
    hide_kept = hide_kept or call('HGET', KEYS[1], 'hide_ms') or '10000'
    call('SET', P .. 'task:' .. id, '\1' .. changed .. string.sub(t.raw, 2 + #changed, (t.own or t.more) - 1), 'PX', hide_kept)
    if t.attempts > 1 or state ~= 'k' then call('DEL', P .. 'task:' .. id .. ':log') end
  else
    local changed = front(t)
    -- All but the body, which is not even read.
    local kept = call('GETRANGE', P .. 'task:' .. id, text(1 + #changed), text(-1 - t.body))
    call('SET', P .. 'task:' .. id, '\1' .. changed .. kept)
    call('ZADD', P .. 'queue:' .. q.n .. ':done', now_text, id)
    if state == 'c' then call('HINCRBY', q.flow, 'cancelled', 1) end -- what else is in `done` succeeded
    call('ZADD', P .. 'retire', now + math.max(t.retention * 1000, shard().hide_ms), id)
    keep_within(q, 'done')
  end
end
