-- find: a waiting or running task of Cloud Tasks, by the last part of its name: the name that it was given, or the id that the
-- name stands for when it was given none ('' when it stands for none).
-- Returns the id and the task; or nil, and 'over' when one of this name ended not long ago, 'nothing', or 'no_queue'.
local function find(n, digest, candidate)
  if not queue(n) then return nil, 'no_queue' end
  local taken = holder(n, digest)
  local id = taken and string.sub(taken, 1, 16) or candidate
  local raw = id ~= '' and call('GET', P .. 'task:' .. id)
  local t = raw and parse(raw)
  if t and t.cloud and t.n == n and (taken and t.name == digest or not taken and not t.name) then
    local state = visible_state(t)
    if state == 'a' or (state and waits(t)) then return id, t end
  end
  return nil, taken and 'over' or 'nothing'
end

-- Deletes a task; a running attempt continues under no current generation, and leaves nothing behind.
local function drop(q, id, t)
  if waits(t) then
    take_out(q, id, t)
    forget(id, t)
  else
    unlist(id, t)
    t.gen = NO_GENERATION
    write_head(id, t)
  end
end
