-- place: puts new tasks into their queues. `seat_placed` ends it, once a script.
--@include lib/record
--@include lib/stranger
--@include lib/labels
local ready_adds, claimable, touched = {}, false, {}

-- The head of a new task; the same for all tasks of a client in a queue that are due now, so it is created once.
local function fresh_head(q, c, state, due)
  local known = due == now and c.fresh_heads and c.fresh_heads[q]
  if known then return known end
  local made = pack('>Bc1BBI2I2I2I6c8I6I6I6I4I4I2I6', VERSION, state, 0, 0, 0, 0, 0, 0, '\0\0\0\0\0\0\0\0', due, 0, 0, q.n,
    q.gen, c.gen, now)
  if due == now then
    c.fresh_heads = c.fresh_heads or {}
    c.fresh_heads[q] = made
  end
  return made
end

local function place(q, c, id, due, tail)
  local state = due <= now and 'r' or 's'
  if not call('SET', P .. 'task:' .. id, fresh_head(q, c, state, due) .. tail, 'NX') then return false end
  local body, mask, owner_length = unpack_struct('>I4BB', tail, 5)
  if mask >= 128 then call('SETRANGE', P .. 'task:' .. id, text(AT.owner + owner_length), pack('>I6', due)) end
  if state == 'r' then
    local ready = q.base .. 'ready:' .. c.id
    local adds = ready_adds[ready]
    if not adds then
      adds = { q = q, owner = c.id }
      ready_adds[ready] = adds
    end
    adds[#adds + 1], adds[#adds + 2] = due == now and now_text or text(due), id
    q.ready, q.dirty, claimable = q.ready + 1, true, true
  else
    call('ZADD', q.base .. 'due', text(due), id)
    if due < q.timer then q.due_dirty = true end
  end
  touched[q] = true
  count_live(c.id, 1, body)
  if mask % 64 >= LABELED then
    for _, key in ipairs(label_keys(tail, 9)) do call('ZADD', key, '0', id) end
  end
  return true
end

local function seat_placed()
  for ready, adds in pairs(ready_adds) do
    call('ZADD', ready, unpack(adds))
    seat(adds.q, adds.owner)
  end
  for q in pairs(touched) do
    q.busy = call('ZSCORE', P .. 'busy', q.n) and true
    if not q.busy or q.due_dirty then serve(q) end
  end
end
