-- prove_servable: whether a queue is in `busy`, `timers` and `ages` as it must be.
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
