-- bulk_task: which of the tasks that a walk meets are meant, and what becomes of each.
local touched, claimable, flows = {}, false, { due = true, ready = true, active = true }
local splits = (dry or action == 'move') and #steps.narrow > 1 and steps.narrow[1] == 'due' and steps.narrow[2] == 'ready'
newest_lease_first = dry -- a renewed lease is behind then

local function enter(set, fresh)
  if set == 'due' and fresh then split_at = nil end
  if set == 'ready' and splits and not split_at then split_at = now end
end

-- Whether the operation applies to the task.
local function is_meant(t, q)
  if not q or visible_state(t) ~= t.state or t.ended > until_ms then return false end
  if (action == 'run' or action == 'retry') and t.claim > until_ms then return false end
  return action ~= 'move' or not (t.cloud or t.n == to.n)
end

local function is_forbidden(id, t)
  if action == 'move' then return not may_move(to, id, t) end
  local c = client(t.owner)
  return action == 'retry' and c and c.on == 'x'
end

-- Whether a task that stays where it is was not counted before, and is not counted again.
local function counts_here(t)
  if round > 1 or (flows[place.set] and t.claim > until_ms) then return false end
  return not (splits and place.set == 'ready') or t.due <= split_at
end

-- A due task is visited as a ready one: a worker's exchange would have made it ready.
local function is_late(score)
  if not splits or place.set ~= 'due' or split_at then return false end
  if tonumber(score) <= now then return true end
  split_at = now
  return false
end

local function make_late_ready(q, id, t)
  take_out(q, id, t)
  t.state = 'r'
  write_head(id, t)
  make_ready(q, id, t)
end

local function mark(t)
  t.claim = math.max(t.claim + 1, until_ms + 1)
end

local moves = { cancel = cancel, delete = function(_, id) retire(id) end, move = function(q, id, t) move(q, to, id, t) end,
  run = function(q, id, t)
    mark(t)
    run_now(q, id, t)
  end,
  retry = function(q, id, t)
    mark(t)
    revive(q, id, t)
  end }

local function count(what)
  counts[what], tasks = counts[what] + 1, tasks + 1
  return tasks >= most
end
