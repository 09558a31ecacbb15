-- choose: which queue, and in it which client, has the next turn. `busy` and `turns` are read into arrays and written back
-- once. A queue's share of running tasks is limited by its weight, so that long tasks do not fill the workers.
local LINE = 32
local line = {}       -- the first queues of `busy`, by virtual time; those not examined yet have only n and time
local line_whole = true
local line_end = 0    -- the virtual time of the last of them: behind it, others may come first
local running_all = 0
local vain_all = 0    -- turns of this claim that started nothing, and took as much time: they count as running

local function load_line()
  local raw = call('ZRANGE', P .. 'busy', '0', text(LINE - 1), 'WITHSCORES')
  line, line_whole, line_end = {}, #raw < 2 * LINE, tonumber(raw[#raw]) or 0
  for i = 1, #raw, 2 do line[i / 2 + 0.5] = { n = tonumber(raw[i]), vt = tonumber(raw[i + 1]) } end
end

-- Examines the queue at a place of the line; nil when it cannot be served, and then it is removed from the line.
local function look(i)
  local seen = line[i]
  if seen.flow then return seen end
  local q = queue(seen.n)
  if not q then
    call('ZREM', P .. 'busy', seen.n)
    table.remove(line, i)
    return nil
  end
  q.busy, q.vt, line[i] = true, seen.vt, q
  return q
end

-- The place in the line of the queue to serve next; nil when none in it is to be served.
local function choose()
  local weights, i = shard().weights, 1
  while line[i] do
    local q = look(i)
    if q then
      if (q.running + (q.vain or 0)) * weights < (running_all + vain_all + 1) * q.weight then return i end
      i = i + 1
    end
  end
  return line[1] and 1
end

--@include lib/owners

-- The queue was served, or proved not to be: its place in the line, or none. It is written back when the line is read again.
local function settle_line(i, servable)
  local q = line[i]
  if not servable or (not line_whole and q.vt > line_end) then
    table.remove(line, i)
    return
  end
  while line[i + 1] and line[i + 1].vt < q.vt do
    line[i], line[i + 1] = line[i + 1], q
    i = i + 1
  end
end

-- Writes back the served queues of the line, and their positions.
local function flush_line()
  local places = {}
  for _, q in pairs(queues) do
    if q and q.owners then
      local o = q.owners[q.next_owner]
      flush_owners(q)
      q.first = o and o.turn or q.owners_whole and PARKED or nil
      q.owners = nil
      if serve(q) then places[#places + 1], places[#places + 2] = q.vt, q.n end
    end
  end
  if #places > 0 then call('ZADD', P .. 'busy', unpack(places)) end
end
