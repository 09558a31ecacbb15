-- prove_clients: the counters of clients match their tasks, and their minutes' sums the entries.
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
    local c = client(owner)
    compare_packed('client:' .. owner, c, 'running', owners[owner] or 0)
    compare_packed('client:' .. owner, c, 'live', count)
    local sum = minute_sum(owner)
    if sum then compare_packed('client:' .. owner, c, 'sum', sum) end
  end
  for owner, bytes in pairs(count_bytes(live, bases) or {}) do
    compare_packed('client:' .. owner, client(owner), 'bytes', bytes)
  end
end
