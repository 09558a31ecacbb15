-- finish: ends a task: it is kept for its retention, within the bounds of its queue.
--@include lib/budget
--@include lib/cloud
--@include lib/dead
--@include lib/labels
--@include lib/callback
--@include lib/trim
local hide_kept = nil

local function forget(id, t)
  spend(15)
  if t.mask % 64 >= LABELED then unlabel(id, t) end
  call('DEL', P .. 'task:' .. id, P .. 'task:' .. id .. ':log')
  count_live(t.owner, -1, t.body)
  if t.cloud then unlist(id, t) end
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
