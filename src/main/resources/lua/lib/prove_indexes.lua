-- prove_indexes: the indexes of a task: those of Cloud Tasks, and of its labels.
-- A live task of Cloud Tasks is listed, its name is reserved, and one that RunTask requested waits in `express`.
local function prove_cloud(id, t)
  local q = queue(t.n)
  if not q or q.gen ~= t.gen or not (waits(t) or t.state == 'a') then return end
  if not call('ZSCORE', all_of(t), id) and find('task_not_listed', 'task:' .. id, t.state .. ' is not in all') then
    list(id, t, t.created)
  end
  local taken = t.name and call('GET', name_key(t.n, t.name))
  if t.name and (not taken or taken == id .. 'o') and find('name_not_taken', 'task:' .. id, 'its name is free') then
    take_name(t.n, t.name, id, math.max(now, t.created), t.name_taken)
  end
  if t.state == 'a' and t.worker == NOBODY and not call('LPOS', P .. 'express', id) then
    if find('run_not_queued', 'task:' .. id, 'is not in express') then call('RPUSH', P .. 'express', id) end
  end
end

-- A task is listed under each of its labels, and its record has the flag: those of an older version do not.
local function prove_labels(id, t)
  local keys = label_keys_of(id, t)
  if #keys > 0 and t.mask % 64 < LABELED and find('label_not_indexed', 'task:' .. id, 'has labels, and does not say so') then
    call('SETRANGE', P .. 'task:' .. id, AT.mask, string.char(t.mask + LABELED))
  end
  for _, key in ipairs(keys) do
    if not call('ZSCORE', key, id) and find('label_not_indexed', 'task:' .. id, 'is not in ' .. string.sub(key, #P + 1)) then
      call('ZADD', key, '0', id)
    end
  end
end

-- An index of a label holds only tasks that have it.
function proofs.label()
  local name = ARGV[FIRST]
  for at = FIRST + 1, #ARGV do
    local id, belongs = ARGV[at], false
    local t = read_task(id)
    for _, key in ipairs(t and not hidden(t) and label_keys_of(id, t) or {}) do belongs = belongs or key == P .. name end
    if not belongs and call('ZSCORE', P .. name, id) and find('label_of_nothing', 'task:' .. id, name .. ' holds it') then
      call('ZREM', P .. name, id)
    end
  end
end
