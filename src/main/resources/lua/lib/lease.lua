-- lease: a task starts: it is leased to the worker, and counted everywhere.
local FRONT = '1023'
local dry = {} -- gates whose room was used up here, each with how many tasks still wait for it

-- The front of a record, which is all of it when the body is small; nil when there is no such task.
local function read_some(id)
  local raw = call('GETRANGE', P .. 'task:' .. id, '0', FRONT)
  local t = raw ~= '' and parse(raw)
  if t then t.whole = #raw < 1024 end
  return t
end

-- A queue had a turn.
local function charge(q)
  local s = shard()
  s.v, s.dirty = math.max(s.v, q.vt), true
  q.vt = q.vt + 1 / q.weight
end

local function run_dry(gate, waiting)
  shut(gate, ASK_AGAIN_MS)
  dry[#dry + 1], dry[#dry + 2] = gate, waiting
end

local function use_room_of(q, host)
  if q.gated and q.room > 0 then
    q.room = q.room - 1
    if q.room == 0 and q.ready == 0 then q.room = NO_LIMIT end
    if q.room == 0 then run_dry('q:' .. q.n, q.ready) end
  end
  if host and use_room(host) then run_dry('h:' .. host, call('ZCARD', P .. 'held:' .. host)) end
end

local function lease(q, c, id, t, host, probe)
  t.state, t.attempts, t.flags = 'a', math.min(t.attempts + 1, 65535), probe and PROBE or 0
  if t.first == 0 then t.first = now end
  if t.cloud then begin_attempt(t, now, 0) end
  give(id, t)
  q.running, c.running, running_all = q.running + 1, c.running + 1, running_all + 1
  c.dirty = true
  charge(q)
  use_room_of(q, host)
  if q.rate and not q.gated then q.tokens = q.tokens - 1 end
end
