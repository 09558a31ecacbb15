-- prove_counts: checks the counters. Sets that cannot be counted atomically are skipped and reported.
local function affordable(records)
  if spend(records * RECORD_COST) then return true end
  facts[1] = 'unproven'
  return false
end

local function state_of(id)
  return call('GETRANGE', P .. 'task:' .. id, AT.state, AT.state)
end

-- The running attempts by owner and by queue.
local function running()
  local owners, of_queue = {}, {}
  if not affordable(call('ZCARD', P .. 'leases')) then return nil end
  for _, id in ipairs(call('ZRANGE', P .. 'leases', 0, -1)) do
    local t = read_task(id)
    if t and t.state == 'a' then
      owners[t.owner] = (owners[t.owner] or 0) + 1
      if not express(t) then of_queue[t.n] = (of_queue[t.n] or 0) + 1 end
    end
  end
  return owners, of_queue
end

local function compare(kind, key, hash, field, there, says)
  if there == says then return end
  if find(kind, key, field .. ' is ' .. number(says) .. ', ' .. number(there) .. ' are there') then
    call('HSET', hash, field, there)
  end
end

local function count_queue(q, of_queue)
  local key, dead, done = 'queue:' .. q.n .. ':flow', P .. 'queue:' .. q.n .. ':dead', P .. 'queue:' .. q.n .. ':done'
  local most = call('ZCARD', q.base .. 'turns') + call('ZCARD', q.base .. 'due') + call('ZCARD', dead) + call('ZCARD', done)
  if not affordable(most) then return end
  local ready, retry, bytes, cancelled = 0, 0, 0, 0
  for _, owner in ipairs(call('ZRANGE', q.base .. 'turns', 0, -1)) do
    ready = ready + call('ZCARD', q.base .. 'ready:' .. owner)
  end
  for _, id in ipairs(call('ZRANGE', q.base .. 'due', 0, -1)) do
    if state_of(id) == 't' then retry = retry + 1 end
  end
  for _, id in ipairs(call('ZRANGE', dead, 0, -1)) do
    bytes = bytes + call('STRLEN', P .. 'task:' .. id)
  end
  for _, id in ipairs(call('ZRANGE', done, 0, -1)) do
    if state_of(id) == 'c' then cancelled = cancelled + 1 end
  end
  local says_cancelled = tonumber(call('HGET', q.flow, 'cancelled')) or 0
  compare('count_wrong', key, q.flow, 'cancelled', cancelled, says_cancelled)
  local says_bytes = tonumber(call('HGET', q.flow, 'dead_bytes')) or 0
  compare('count_wrong', key, q.flow, 'ready', ready, q.ready)
  compare('count_wrong', key, q.flow, 'retry', retry, q.retry)
  compare('count_wrong', key, q.flow, 'running', of_queue[q.n] or 0, q.running)
  compare('count_wrong', key, q.flow, 'dead_bytes', bytes, says_bytes)
end

function proofs.count_queues()
  local _, of_queue = running()
  for at = FIRST, #ARGV do
    local q = queue(tonumber(ARGV[at]))
    if of_queue and q then
      count_queue(q, of_queue)
      if mend and #findings > 0 then
        -- What is counted decides whether it can be served.
        queues[q.n] = nil
        local fresh = queue(q.n)
        fresh.due_dirty = true
        if serve(fresh) then wake_wanted = true end
      end
    end
  end
end

-- Where tasks wait: the generation of each queue that is in force, and those that are still drained; nil when these are too many.
local function waiting_places(from)
  local bases = {}
  for at = from, #ARGV do
    if not affordable(3) then return nil end
    local q = queue(tonumber(ARGV[at]))
    if q then bases[q.base] = true end
  end
  for _, item in ipairs(call('LRANGE', P .. 'drain', 0, -1)) do
    local n, gen = string.match(item, '^waiting:(%d+):(%d+)$')
    if n then bases[base_of(n, gen)] = true end
  end
  return bases
end

local function count_waiting(live, bases)
  for base in pairs(bases) do
    if not affordable(1 + call('ZCARD', base .. 'due')) then return false end
    for owner in pairs(live) do
      live[owner] = live[owner] + call('ZCARD', base .. 'ready:' .. owner)
    end
    for _, id in ipairs(call('ZRANGE', base .. 'due', 0, -1)) do
      local t = read_task(id)
      if t and live[t.owner] then live[t.owner] = live[t.owner] + 1 end
    end
  end
  return true
end

local function body_of(id)
  local length = call('GETRANGE', P .. 'task:' .. id, AT.body, AT.body + 3)
  return length ~= '' and unpack_struct('>I4', length) or 0
end

-- The bytes of the bodies of waiting and running tasks, by owner; nil when there are too many to read atomically.
local function count_bytes(live, bases)
  local bytes, tasks = {}, 0
  for owner, count in pairs(live) do
    bytes[owner], tasks = 0, tasks + count
  end
  if not affordable(tasks) then return nil end
  for _, id in ipairs(call('ZRANGE', P .. 'leases', 0, -1)) do
    local t = read_task(id)
    if t and t.state == 'a' and bytes[t.owner] then bytes[t.owner] = bytes[t.owner] + t.body end
  end
  for base in pairs(bases) do
    for owner in pairs(live) do
      for _, id in ipairs(call('ZRANGE', base .. 'ready:' .. owner, 0, -1)) do bytes[owner] = bytes[owner] + body_of(id) end
    end
    for _, id in ipairs(call('ZRANGE', base .. 'due', 0, -1)) do
      local t = read_task(id)
      if t and bytes[t.owner] then bytes[t.owner] = bytes[t.owner] + t.body end
    end
  end
  return bytes
end

local function minute_sum(owner)
  local sum, key = 0, P .. 'client:' .. owner .. ':minute'
  if call('EXISTS', key) == 0 then return nil end
  for _, entry in ipairs(call('LRANGE', key, 0, -1)) do sum = sum + string.match(entry, ':(%d+)$') end
  return sum
end

function proofs.count_clients()
  local last, live = FIRST + tonumber(ARGV[FIRST]), {}
  local owners = running()
  if not owners then return end
  for at = FIRST + 1, last do
    if client(ARGV[at]) then live[ARGV[at]] = owners[ARGV[at]] or 0 end
  end
  local bases = waiting_places(last + 1)
  if not bases or not count_waiting(live, bases) then return end
  for owner, count in pairs(live) do
    local c, hash = client(owner), P .. 'client:' .. owner
    compare('count_wrong', 'client:' .. owner, hash, 'running', owners[owner] or 0, c.running)
    compare('count_wrong', 'client:' .. owner, hash, 'live', count, c.live)
    local sum = minute_sum(owner)
    if sum then compare('count_wrong', 'client:' .. owner, hash, 'sum', sum, c.sum) end
  end
  for owner, bytes in pairs(count_bytes(live, bases) or {}) do
    compare('count_wrong', 'client:' .. owner, P .. 'client:' .. owner, 'bytes', bytes, client(owner).bytes)
  end
end

function proofs.shard()
  if not affordable(3 * call('ZCARD', P .. 'busy')) then return end
  local sum = 0
  for _, n in ipairs(call('ZRANGE', P .. 'busy', 0, -1)) do
    local q = queue(tonumber(n))
    if q then sum = sum + q.weight end
  end
  if sum ~= shard().weights and find('weights_wrong', 'shard', number(shard().weights) .. ' instead of ' .. number(sum)) then
    shard().weights, shard().dirty = sum, true
  end
end

function proofs.clients()
  for at = FIRST, #ARGV do
    local id = ARGV[at]
    local c = client(id)
    local listed = call('ZSCORE', P .. 'clients', id) and true or false
    local wanted = c and c.on ~= 'x' or false
    if listed ~= wanted then
      if find('client_' .. (listed and 'listed' or 'not_listed'), 'client:' .. id, wanted and 'is known' or 'is not known') then
        if wanted then call('ZADD', P .. 'clients', 0, id) else call('ZREM', P .. 'clients', id) end
      end
    end
    if c and c.stranger and not call('ZSCORE', P .. 'strangers', id) then
      if find('stranger_not_listed', 'client:' .. id, 'would never be forgotten') then call('ZADD', P .. 'strangers', now, id) end
    end
  end
end
