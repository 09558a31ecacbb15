-- own_settings: what a record holds behind its head: the task's own limits, and its host.
-- The task's own settings: when it expires, its max_concurrent, its retry settings, nil where unset; and where its
-- host stands. Nothing when the record is truncated before that.
local function own_settings(t)
  local at, mask, expires, max_concurrent, retry = t.own or t.more, t.mask, nil, nil, nil
  if #t.raw < at - 1 + mask % 2 * 6 + math.floor(mask / 2) % 2 * 4 + math.floor(mask / 4) % 2 * 21 then return nil end
  if mask % 2 >= 1 then
    expires, at = unpack_struct('>I6', t.raw, at)
  end
  if mask % 4 >= 2 then
    max_concurrent, at = unpack_struct('>I4', t.raw, at)
  end
  if mask % 8 >= 4 then
    retry, at = string.sub(t.raw, at, at + 20), at + 21
  end
  return expires, max_concurrent, retry, at
end

-- The text after its length(2) in a record, and where the record continues; nil when it is truncated.
local function text_at(raw, at)
  if not at or #raw < at + 1 then return nil end
  local next_at = at + 2 + unpack_struct('>I2', raw, at)
  if #raw < next_at - 1 then return nil end
  return string.sub(raw, at + 2, next_at - 1), next_at
end

-- The host and port that a task goes to, as limits, breakers and indexes name it; of a record that was read up to there.
local function host_of(t)
  local _, _, _, at = own_settings(t)
  return text_at(t.raw, at) or '-:0'
end

-- A record as far as its host reaches, whatever comes before it; nil when there is none.
local function read_front(id)
  local raw = call('GETRANGE', P .. 'task:' .. id, 0, FRONT_LAST)
  return raw ~= '' and parse(raw) or nil
end

-- The same host of any record, even an invalid one; the rest of it is read where needed.
local function host_behind(id, t)
  if not t then return '-:0' end
  local _, _, _, at = own_settings(t)
  local host = text_at(t.raw, at)
  if host then return host end
  local whole = #t.raw <= FRONT_LAST and read_front(id)
  return whole and host_of(whole) or '-:0'
end
