-- behind: a position in a sorted set that survives removals. Members of equal score are in the order of their bytes, so a position is a
-- score and an id.

-- Whether a text comes before another by its bytes, as Redis sorts members. (Lua's own comparison depends on the locale of the server.)
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- How many members come before the first one behind the position, found by halving those of its score.
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
    local passed
    if newest_first then passed = not before(one, id) else passed = not before(id, one) end
    if passed then from = middle + 1 else to = middle end
  end
  return from
end
