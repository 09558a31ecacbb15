-- behind: a position in a sorted set that survives removals. Members of equal score stand in the order of their bytes, so that it is a
-- score and an id. Says how many members stand before the first one behind it, found by halving those of its score.
local function behind(key, newest_first, score, id)
  if score == '' then return 0 end
  local from, to
  if newest_first then
    from, to = call('ZCOUNT', key, '(' .. score, '+inf'), call('ZCOUNT', key, score, '+inf')
  else
    from, to = call('ZCOUNT', key, '-inf', '(' .. score), call('ZCOUNT', key, '-inf', score)
  end
  while from < to do
    local middle = math.floor((from + to) / 2)
    local one = call(newest_first and 'ZREVRANGE' or 'ZRANGE', key, middle, middle)[1]
    local passed = (newest_first and one >= id) or (not newest_first and one <= id)
    if passed then from = middle + 1 else to = middle end
  end
  return from
end
