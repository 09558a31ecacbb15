-- prove_dead: the indexes of dead tasks contain exactly the tasks whose records name them, and the sums match.
-- 'dead' n, ids: facts: host and cause of each, as the sums count it · 'dead_index' the index without the keys' common beginning, n, ids
-- · 'dead_sums' n
function proofs.dead()
  local n = tonumber(ARGV[FIRST])
  for at = FIRST + 1, #ARGV do
    local id = ARGV[at]
    local t = read_front(id)
    if t and t.state == 'd' and t.n == n then
      local host, places = dead_places(n, id, t)
      facts[#facts + 1] = host .. ' ' .. cause_of(t)
      for _, place in ipairs(places) do
        if not call('ZSCORE', place, id) and find('dead_not_indexed', 'task:' .. id, 'is not in ' .. string.sub(place, #P + 1)) then
          index_dead(n, id, 1)
        end
      end
    end
  end
end

function proofs.dead_index()
  local name, n = ARGV[FIRST], tonumber(ARGV[FIRST + 1])
  for at = FIRST + 2, #ARGV do
    local id, belongs = ARGV[at], false
    local t = read_front(id)
    if t and t.state == 'd' and t.n == n then
      local _, places = dead_places(n, id, t)
      for _, place in ipairs(places) do belongs = belongs or place == P .. name end
    end
    if not belongs and call('ZSCORE', P .. name, id) and find('index_of_nothing', name, 'has what is not dead there') then
      call('ZREM', P .. name, id)
    end
  end
end

function proofs.dead_sums()
  for at = FIRST, #ARGV do
    local n, there = ARGV[at], {}
    local key, sums = 'queue:' .. n .. ':dead:sums', {}
    if affordable(call('ZCARD', P .. 'queue:' .. n .. ':dead')) then
      for _, id in ipairs(call('ZRANGE', P .. 'queue:' .. n .. ':dead', 0, -1)) do
        local t = read_front(id)
        if t then
          local pair = host_behind(id, t) .. ' ' .. cause_of(t)
          there[pair] = (there[pair] or 0) + 1
        end
      end
      local flat, wrong = call('HGETALL', P .. key), false
      for i = 1, #flat, 2 do sums[flat[i]] = tonumber(flat[i + 1]) end
      if not sums.other then
        for pair, count in pairs(there) do wrong = wrong or sums[pair] ~= count end
        for pair, count in pairs(sums) do wrong = wrong or there[pair] ~= count end
      end
      if wrong and find('dead_sums_wrong', key, 'are not what is there') then
        call('DEL', P .. key)
        for pair, count in pairs(there) do call('HSET', P .. key, pair, count) end
      end
    end
  end
end
