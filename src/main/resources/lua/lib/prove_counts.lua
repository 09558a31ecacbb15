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

-- The same for a packed counter of a queue or client.
local function compare_packed(key, whose, name, there)
  if there == whose[name] then return end
  if find('count_wrong', key, name .. ' is ' .. number(whose[name]) .. ', ' .. number(there) .. ' are there') then
    whose[name], whose.dirty = there, true
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
    bytes = bytes + bytes_of_dead(id)
  end
  for _, id in ipairs(call('ZRANGE', done, 0, -1)) do
    if state_of(id) == 'c' then cancelled = cancelled + 1 end
  end
  local says_cancelled = tonumber(call('HGET', q.flow, 'cancelled')) or 0
  compare('count_wrong', key, q.flow, 'cancelled', cancelled, says_cancelled)
  local says_bytes = tonumber(call('HGET', q.flow, 'dead_bytes')) or 0
  compare_packed(key, q, 'ready', ready)
  compare_packed(key, q, 'retry', retry)
  compare_packed(key, q, 'running', of_queue[q.n] or 0)
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
        q.first, q.busy, q.due_dirty, q.dirty = nil, nil, true, true
        if serve(q) then wake_wanted = true end
      end
    end
  end
end

--@include lib/prove_clients

--@include lib/prove_shard
