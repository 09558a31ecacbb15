-- prove_queues: checks turns, parking, busy, timers, and leftovers of purges and deletions.

local function room(q, owner)
  local c = client(owner)
  if not c or c.running >= c.max_concurrent or call('EXISTS', P .. 'unparking') == 1 then return false end
  local first = call('ZRANGE', q.base .. 'ready:' .. owner, 0, 0)[1]
  local t = first and read_task(first)
  local _, own
  if t then _, own = own_settings(t) end
  return not (own and c.running >= own)
end

local function let_in(q, owner, turn)
  call('ZADD', q.base .. 'turns', turn - PARKED, owner)
  call('SREM', P .. 'client:' .. owner .. ':parked', q.n .. '.' .. q.gen)
end

local function prove_owner(q, owner)
  local has = call('EXISTS', q.base .. 'ready:' .. owner) == 1
  local turn = tonumber(call('ZSCORE', q.base .. 'turns', owner))
  local places, place = P .. 'client:' .. owner .. ':parked', q.n .. '.' .. q.gen
  local key = 'queue:' .. place .. ':turns'
  if has and not turn then
    if find('owner_without_turn', key, owner .. ' has ready tasks') then seat(q, owner) end
  elseif turn and not has then
    if find('turn_without_tasks', key, owner) then
      call('ZREM', q.base .. 'turns', owner)
      call('SREM', places, place)
    end
  elseif turn and (turn >= PARKED) ~= (call('SISMEMBER', places, place) == 1) then
    if find('parked_sets_disagree', key, owner .. (turn >= PARKED and ' is parked here alone' or ' is not parked here')) then
      if turn >= PARKED then call('SADD', places, place) else call('SREM', places, place) end
    end
  elseif turn and turn >= PARKED and room(q, owner) then
    if find('parked_with_room', key, owner .. ' runs ' .. client(owner).running) then let_in(q, owner, turn) end
  end
end

function proofs.owners()
  local n, gen = tonumber(ARGV[4]), tonumber(ARGV[5])
  local q = queue(n)
  for at = FIRST + 2, #ARGV do
    if q and q.gen == gen then
      prove_owner(q, ARGV[at])
    else
      local base = base_of(n, gen)
      if call('EXISTS', base .. 'ready:' .. ARGV[at]) == 1 and not call('ZSCORE', base .. 'turns', ARGV[at]) then
        if find('owner_without_turn', 'queue:' .. n .. '.' .. gen .. ':turns', ARGV[at] .. ' would not be drained') then
          call('ZADD', base .. 'turns', 1, ARGV[at])
        end
      end
    end
  end
  if q and mend and #findings > 0 then
    q.first = nil
    serve(q)
  end
end

--@include lib/prove_left

--@include lib/prove_servable

function proofs.queues()
  for at = FIRST, #ARGV do
    local n = tonumber(ARGV[at])
    local q = queue(n)
    if not q then
      if call('ZSCORE', P .. 'busy', n) or call('ZSCORE', P .. 'timers', n) then
        if find('no_such_queue', 'queue:' .. n, 'is in busy or timers') then
          call('ZREM', P .. 'busy', n)
          call('ZREM', P .. 'timers', n)
        end
      end
    else
      prove_age(q)
      local brief = q.stored[2]
      if brief and brief ~= queue_brief(q.flow) and find('brief_wrong', 'queue:' .. n, 'its packed settings are others') then
        call('HDEL', q.flow, 'brief')
      end
      local kind, detail = faults(q)
      if kind and find(kind, 'queue:' .. n .. ':flow', detail) then
        q.vt = tonumber(call('ZSCORE', P .. 'busy', n)) or q.vt
        q.timer = tonumber(call('ZSCORE', P .. 'timers', n)) or NEVER
        q.dirty, q.due_dirty = true, true
        if serve(q) then wake_wanted = true end
      end
    end
  end
end
