-- prove_tasks: each task is in exactly the set that its state names, once; there are no dangling references.

local function hidden(t)
  return (t.state == 'k' or t.state == 'c') and t.retention == 0
end

-- The set that a task's state names, and its score there; nil for a head that is only kept hidden.
local function home(t)
  if t.state == 'r' then return base_of(t.n, t.gen) .. 'ready:' .. t.owner, t.due end
  if t.state == 's' or t.state == 't' then return base_of(t.n, t.gen) .. 'due', t.due end
  if t.state == 'a' then return P .. 'leases' end
  if t.state == 'd' then return P .. 'queue:' .. t.n .. ':dead', t.ended end
  if not hidden(t) then return P .. 'queue:' .. t.n .. ':done', t.ended end
end

local function gone(id, t)
  for _, key in ipairs(t and label_keys_of(id, t) or {}) do call('ZREM', key, id) end
  call('DEL', P .. 'task:' .. id, P .. 'task:' .. id .. ':log')
end

-- A task that waits for its host is listed there, or it would never become ready.
local function prove_held(id, t, key)
  local whole = host_behind(id, t)
  if not queue(t.n) or queue(t.n).gen ~= t.gen then return end -- purged: `tidy` drops it
  for _, host in ipairs(host_names(whole)) do
    local asked = call('ZSCORE', P .. 'shut', 'h:' .. host) or call('ZSCORE', P .. 'shut', 'b:' .. host)
    if asked and call('ZSCORE', P .. 'held:' .. host, id) then return end
  end
  if find('held_by_nobody', 'task:' .. id, 'waits for room at ' .. whole) then call('ZADD', key, t.due, id) end
end

local function prove_home(id, t)
  local q, key, due = queue(t.n), home(t)
  local score = tonumber(call('ZSCORE', key, id))
  if not score then
    if not find('task_in_no_set', 'task:' .. id, t.state .. ' is not in ' .. string.sub(key, #P + 1)) then return end
    if t.state == 'a' then
      call('ZADD', key, now, id) -- its lease has expired: the next claim recovers it
    elseif not q or (waits(t) and q.gen ~= t.gen) then
      gone(id, t)
    else
      call('ZADD', key, due, id)
    end
  elseif (t.state == 's' or t.state == 't') and score == PARKED + due then
    prove_held(id, read_front(id), key)
  elseif due and score ~= due then
    if find('task_at_wrong_time', 'task:' .. id, number(score) .. ' in its set, ' .. number(due) .. ' in its record') then
      call('ZADD', key, due, id)
    end
  end
end

local function prove_retire(id, t)
  if call('ZSCORE', P .. 'retire', id) then return end
  if find('task_never_retires', 'task:' .. id, t.state .. ' is not in retire') then
    local q = queue(t.n)
    local keep = t.state == 'd' and (q and tonumber(call('HGET', q.flow, 'dead_retention_ms')) or 0) or t.retention * 1000
    call('ZADD', P .. 'retire', t.ended + math.max(keep, shard().hide_ms), id)
  end
end

local function prove_ttl(id, t)
  local ttl = call('PTTL', P .. 'task:' .. id)
  if hidden(t) and ttl == -1 then
    if find('key_never_expires', 'task:' .. id, 'a hidden head') then call('PEXPIRE', P .. 'task:' .. id, shard().hide_ms) end
  elseif not hidden(t) and ttl >= 0 then
    if find('task_expires', 'task:' .. id, t.state .. ' would vanish in ' .. ttl .. ' ms') then call('PERSIST', P .. 'task:' .. id) end
  end
end

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

-- Whether a record matches its head: its length, with a host, its callback, and a url.
local function is_whole(id, t)
  local dropped = t.state == 'k' or t.state == 'c'
  local raw, next_at = call('GETRANGE', P .. 'task:' .. id, 0, dropped and -1 or -1 - t.body), nil
  local _, _, _, at = own_settings(t)
  local part
  part, next_at = text_at(raw, at)
  if part and t.mask % 128 >= CALLBACK then part, next_at = text_at(raw, next_at) end
  if part then part, next_at = text_at(raw, next_at) end
  return part and #raw >= next_at
end

-- An invalid record is removed from the sets, and set aside unchanged, so that it can be inspected: `unreadable:<id>`.
local function prove_record(id, t)
  local key = 'task:' .. id
  if t and (hidden(t) or is_whole(id, t)) or call('EXISTS', P .. key) == 0 then return t end
  if find('record_unreadable', key, call('STRLEN', P .. key) .. ' bytes') then
    call('RENAME', P .. key, P .. 'unreadable:' .. id)
    call('PERSIST', P .. 'unreadable:' .. id)
  end
  return nil
end

function proofs.tasks()
  for at = FIRST, #ARGV do
    local id = ARGV[at]
    local t = prove_record(id, read_task(id))
    if t then
      prove_ttl(id, t)
      if home(t) then prove_home(id, t) end
      if t.cloud then prove_cloud(id, t) end
      local over = t.state == 'd' or t.state == 'k' or t.state == 'c'
      local there = not hidden(t) and call('EXISTS', P .. 'task:' .. id) == 1
      if over and there then prove_retire(id, t) end
      if there and not t.cloud then prove_labels(id, t) end
      local counted = t.state == 'd' and call('STRLEN', P .. 'task:' .. id) or t.state == 'c' and not hidden(t) and 1 or 0
      facts[#facts + 1] = t.state .. pack('>I4I4I4', t.n, counted, t.body) .. t.owner
    end
  end
end

function proofs.logs()
  for at = FIRST, #ARGV do
    local id = ARGV[at]
    if call('EXISTS', P .. 'task:' .. id .. ':log') == 1 and call('EXISTS', P .. 'task:' .. id) == 0 then
      if find('log_of_no_task', 'task:' .. id, 'its log is left') then gone(id) end
    end
  end
end

-- Whether a task belongs into a set that names it.
local function belongs(t, set, key)
  if set == 'all' then return t.cloud and (waits(t) or t.state == 'a') and all_of(t) == key end
  if set == 'retire' then return not hidden(t) and (t.state == 'd' or t.state == 'k' or t.state == 'c') end
  return home(t) == key
end

function proofs.members()
  local set, n, gen, owner = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
  local key = P .. set
  if set == 'ready' then
    key = base_of(n, gen) .. 'ready:' .. owner
  elseif set == 'due' or set == 'all' then
    key = base_of(n, gen) .. set
  elseif set == 'dead' or set == 'done' then
    key = P .. 'queue:' .. n .. ':' .. set
  end
  if gen >= 0 and (not queue(n) or queue(n).gen ~= gen) then return end -- purged: `tidy` drops it as it is
  for at = FIRST + 4, #ARGV do
    local id = ARGV[at]
    local t = read_task(id)
    if call('ZSCORE', key, id) and not (t and belongs(t, set, key)) then
      if find(t and 'task_in_wrong_set' or 'member_of_no_task', 'task:' .. id, string.sub(key, #P + 1) .. (t and ' holds it, it is ' .. t.state or '')) then
        call('ZREM', key, id)
      end
    end
  end
end
