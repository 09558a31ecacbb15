-- prove_left: what parked clients, purges and deletions left behind.
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

function proofs.expiring()
  for at = FIRST, #ARGV do
    if call('PTTL', P .. ARGV[at]) == -1 then
      if find('key_never_expires', ARGV[at], '') then call('PEXPIRE', P .. ARGV[at], 86400000) end
    end
  end
end
