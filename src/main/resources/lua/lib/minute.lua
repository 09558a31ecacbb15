-- minute: a client's accepted tasks of the last 60 s, merged per 10 ms; an entry `ms:n` counts until ms + 60,000.
local WINDOW = 60000

-- The clock was set back: entries in the future are merged into now.
local function merge_future(c, m)
  local keep, ahead = 0, 0
  for _, entry in ipairs(call('LRANGE', m.key, 0, -1)) do
    local ms, n = string.match(entry, '^(%d+):(%d+)$')
    if tonumber(ms) < m.label then keep = keep + 1 else ahead = ahead + n end
  end
  if keep == 0 then call('DEL', m.key) else call('LTRIM', m.key, 0, keep - 1) end
  call('RPUSH', m.key, string.format('%d:%d', m.label, ahead))
  call('PEXPIRE', m.key, 2 * WINDOW + 1000)
  c.first, c.last, c.last_n, c.dirty = math.min(c.first, m.label), m.label, ahead, true
end

-- Counts out what expired: all at once, 100 entries per step, at most the 6,000 of a minute, each once.
local function expire(c, m)
  repeat
    local from = m.expired
    for _, entry in ipairs(call('LRANGE', m.key, from, from + 99)) do
      local ms, n = string.match(entry, '^(%d+):(%d+)$')
      if ms + WINDOW > now then
        c.first = tonumber(ms)
        return
      end
      m.expired = m.expired + 1
      c.sum = c.sum - n
    end
  until m.expired < from + 100
  c.sum, c.first, c.last, c.last_n = 0, 0, 0, 0 -- nothing is left
end

local function minute(c)
  if c.minute then return c.minute end
  local m = { key = c.key .. ':minute', expired = 0, added = 0, label = math.floor(now / 10) * 10 + 10 }
  c.minute = m
  if c.last > m.label then merge_future(c, m) end
  if c.last > 0 and c.first + WINDOW <= now then expire(c, m) end
  return m
end

-- How long until one more fits under a limit, in ms; called when it does not fit now.
local function wait_ms(c, limit)
  local m = minute(c)
  local free, from = limit - c.sum, m.expired
  while true do
    local entries = call('LRANGE', m.key, from, from + 99)
    for _, entry in ipairs(entries) do
      local ms, n = string.match(entry, '^(%d+):(%d+)$')
      free = free + n
      if free >= 1 then return ms + WINDOW - now end
    end
    if #entries < 100 then return m.label + WINDOW - now end -- what this very call added is in the way
    from = from + 100
  end
end

local function full_again_at(c)
  local m = minute(c)
  if m.added > 0 then return m.label + WINDOW end
  return c.sum > 0 and c.last + WINDOW or now
end

local function flush_minute(c)
  local m = c.minute
  if not m then return end
  if m.expired > 0 then call('LPOP', m.key, m.expired) end
  if m.added > 0 then
    if c.last == m.label and call('EXISTS', m.key) == 1 then
      c.last_n = c.last_n + m.added
      call('LSET', m.key, -1, string.format('%d:%d', m.label, c.last_n))
    else
      call('RPUSH', m.key, string.format('%d:%d', m.label, m.added))
      -- Once a minute: it then lives for a minute after the last entry of this one.
      if math.floor(c.last / WINDOW) ~= math.floor(m.label / WINDOW) then call('PEXPIRE', m.key, 2 * WINDOW + 1000) end
      c.first = c.first > 0 and c.first or m.label
      c.last, c.last_n = m.label, m.added
    end
  end
  if m.expired > 0 or m.added > 0 then c.dirty = true end
end
