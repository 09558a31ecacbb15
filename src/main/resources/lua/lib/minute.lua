-- minute: a client's accepted tasks of the last 60 s, merged per 10 ms; an entry `ms:n` counts until ms + 60,000.
local WINDOW = 60000

local function minute(c)
  if c.minute then return c.minute end
  local key = P .. 'client:' .. c.id .. ':minute'
  local m = { key = key, expired = 0, added = 0, label = math.floor(now / 10) * 10 + 10 }
  c.minute = m
  local last = call('LINDEX', key, -1)
  if not last then
    c.sum = 0
    return m
  end
  local last_ms, last_n = string.match(last, '^(%d+):(%d+)$')
  m.last, m.last_n = tonumber(last_ms), last_n
  if m.last > m.label then
    -- The clock was set back: entries in the future are merged into now.
    local entries, keep, ahead = call('LRANGE', key, 0, -1), 0, 0
    for _, entry in ipairs(entries) do
      local ms, n = string.match(entry, '^(%d+):(%d+)$')
      if tonumber(ms) < m.label then keep = keep + 1 else ahead = ahead + n end
    end
    if keep == 0 then call('DEL', key) else call('LTRIM', key, 0, keep - 1) end
    call('RPUSH', key, string.format('%.0f:%.0f', m.label, ahead))
    m.last, m.last_n = m.label, ahead
    call('PEXPIRE', key, 2 * WINDOW + 1000)
  end
  local first = call('LRANGE', key, 0, 0)
  if tonumber(string.match(first[1], '^(%d+):')) + WINDOW <= now then
    -- All expired entries are removed at once, 100 per step: at most the 6,000 entries of a minute, each once.
    repeat
      local from = m.expired
      for _, entry in ipairs(call('LRANGE', key, from, from + 99)) do
        local ms, n = string.match(entry, '^(%d+):(%d+)$')
        if ms + WINDOW > now then break end
        m.expired = m.expired + 1
        c.sum = c.sum - n
      end
    until m.expired < from + 100
  end
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
  return c.sum > 0 and m.last + WINDOW or now
end

local function flush_minute(c)
  local m = c.minute
  if not m then return end
  if m.expired > 0 then call('LPOP', m.key, m.expired) end
  if m.added > 0 then
    if m.last == m.label then
      call('LSET', m.key, -1, string.format('%.0f:%.0f', m.label, m.last_n + m.added))
    else
      call('RPUSH', m.key, string.format('%.0f:%.0f', m.label, m.added))
      -- Once a minute: it then lives for a minute after the last entry of this one.
      if not m.last or math.floor(m.last / WINDOW) ~= math.floor(m.label / WINDOW) then
        call('PEXPIRE', m.key, 2 * WINDOW + 1000)
      end
    end
  end
  if m.expired > 0 or m.added > 0 then c.dirty = true end
end
