-- enqueue_cloud: a new task of Cloud Tasks, owned by its queue.
--@include lib/task
--@include lib/cloud

-- Returns false when the task exists.
local function create(q, id, due, digest, taken_ms, tail)
  -- A ready task was created before now, and is in `ages` by that time or an earlier one.
  if not q.oldest and q.ready > 0 then q.oldest = now end
  if not place(q, client(''), id, due, tail) then return false end
  local at = born(due)
  call('ZADD', q.base .. 'all', text(at), id)
  if at < (q.oldest or NEVER) then
    q.oldest = at
    call('ZADD', P .. 'ages', 'LT', text(at), q.n)
  end
  if digest ~= '' then take_name(q.n, digest, id, at, tonumber(taken_ms)) end
  return true
end

local function enqueue_cloud(id, n, due, digest, taken_ms, tail)
  local q, word, created = queue(n), 'e', now
  local taken = digest ~= '' and holder(n, digest)
  if not q or q.closed or taken or not create(q, id, due, digest, taken_ms, tail) then
    local known = call('GETRANGE', P .. 'task:' .. id, AT.due, AT.created + 5)
    if known ~= '' then -- the same call again, after an unknown result
      write_again(P .. 'task:' .. id)
      due, created = unpack_struct('>I6', known), unpack_struct('>I6', known, 1 + AT.created - AT.due)
    elseif taken and string.sub(taken, 1, 16) == id then
      write_again(name_key(n, digest))
      due = now -- the same, and the task has finished meanwhile
    else
      word = taken and 'u' or 'q'
    end
  end
  return pack('>c1c16I6I4I4I4I6I6', word, id, due, 0, 0, 0, created, 0)
end
