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

function proofs.parked()
  local owner = ARGV[4]
  local key = 'client:' .. owner .. ':parked'
  for at = FIRST + 1, #ARGV do
    local place = ARGV[at]
    local n, gen = string.match(place, '^(%d+)%.(%d+)$')
    local q = n and queue(tonumber(n))
    local good
    if q and q.gen == tonumber(gen) then
      good = (tonumber(call('ZSCORE', q.base .. 'turns', owner)) or 0) >= PARKED
    else
      good = n and draining('waiting:' .. n .. ':' .. gen)
    end
    if not good and call('SISMEMBER', P .. key, place) == 1 then
      if find('parked_nowhere', key, place) then call('SREM', P .. key, place) end
    end
  end
end

function proofs.generations()
  for at = FIRST, #ARGV do
    local n, gen = string.match(ARGV[at], '^(%d+)%.(%d+)$')
    local q, base = queue(tonumber(n)), base_of(n, gen)
    local left = call('EXISTS', base .. 'turns', base .. 'due') > 0
    if left and (not q or q.gen ~= tonumber(gen)) and not draining('waiting:' .. n .. ':' .. gen) then
      if find('purged_and_left', 'queue:' .. ARGV[at], 'nothing drains it') then
        call('RPUSH', P .. 'drain', 'waiting:' .. n .. ':' .. gen)
      end
    end
  end
end

function proofs.over()
  for at = FIRST, #ARGV do
    local n = string.match(ARGV[at], '^(%d+):')
    if not queue(tonumber(n)) and call('EXISTS', P .. 'queue:' .. ARGV[at]) == 1 and not draining('over:' .. ARGV[at]) then
      if find('deleted_and_left', 'queue:' .. ARGV[at], 'nothing drains it') then call('RPUSH', P .. 'drain', 'over:' .. ARGV[at]) end
    end
  end
end

-- The required `busy` and `timers` of a queue. With a rate, they may wait for the computed time of the next token.
local function faults(q)
  local first = tonumber(call('ZRANGE', q.base .. 'turns', 0, 0, 'WITHSCORES')[2]) or NEVER
  local due = tonumber(call('ZRANGE', q.base .. 'due', 0, 0, 'WITHSCORES')[2]) or NEVER
  if due >= PARKED then due = NEVER end
  local busy, timer = tonumber(call('ZSCORE', P .. 'busy', q.n)), tonumber(call('ZSCORE', P .. 'timers', q.n)) or NEVER
  local servable = not q.paused and first < PARKED and has_room(q)
  local token = not q.rate or q.gated or q.tokens >= 1 -- a gate counts the tokens of all shards
  if (busy ~= nil) ~= (servable and token) then
    return 'queue_' .. (busy and 'busy' or 'not_busy'), 'serve says otherwise'
  elseif busy and busy ~= q.vt then
    return 'virtual_times_differ', number(busy) .. ' in busy, ' .. number(q.vt) .. ' in flow'
  elseif timer ~= q.timer then
    return 'timers_differ', number(timer) .. ' in timers, ' .. number(q.timer) .. ' in flow'
  elseif timer > due or (not q.rate and timer ~= due) then
    return 'timer_wrong', number(timer) .. ', the first is due at ' .. number(due)
  elseif servable and not token and timer > q.tokens_at + math.ceil((1 - q.tokens) * 1000 / q.rate) then
    return 'timer_wrong', number(timer) .. ', its next token comes before'
  end
end

-- The tasks of Cloud Tasks that are too old are looked for in time.
local function prove_age(q)
  local oldest = tonumber(call('ZRANGE', q.base .. 'all', 0, 0, 'WITHSCORES')[2])
  local age = tonumber(call('ZSCORE', P .. 'ages', q.n))
  if oldest and (not age or age > oldest) then
    if find('ages_wrong', 'queue:' .. q.n, number(age) .. ', its oldest is of ' .. number(oldest)) then
      call('ZADD', P .. 'ages', text(oldest), q.n)
    end
  end
end

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

function proofs.expiring()
  for at = FIRST, #ARGV do
    if call('PTTL', P .. ARGV[at]) == -1 then
      if find('key_never_expires', ARGV[at], '') then call('PEXPIRE', P .. ARGV[at], 86400000) end
    end
  end
end
