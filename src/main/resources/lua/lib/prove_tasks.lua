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

--@include lib/prove_indexes

--@include lib/prove_record

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
      local counted = t.state == 'd' and bytes_of_dead(id) or t.state == 'c' and not hidden(t) and 1 or 0
      facts[#facts + 1] = t.state .. pack('>I4I4I4', t.n, counted, t.body) .. t.owner
    end
  end
end

--@include lib/prove_members
