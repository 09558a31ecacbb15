-- task: the record of a task. TaskCodec.java holds the same offsets.
--   0 version · 1 state · 2 flags · 3 error · 4 status(2) · 6 attempts(2) · 8 answers below 500(2) · 10 claim(6)
--  16 worker(8) · 24 due(6) · 30 first attempt(6) · 36 ended(6) · 42 queue(4) · 46 generation(4) · 50 client generation(2)
--  52 created(6) · 58 retention in seconds(4) · 62 length of the body(4) · 66 mask · 67 length of the owner · 68 owner
--  then, as the mask says: 1 expires(6) · 2 own max_concurrent(4) · 4 retry(21); then the url's length(2) and the url;
--  the rest is opaque here, and ends with the body. Times are ms since the epoch.
local CANCELLING, PROBE = 1, 2
local NOBODY = string.rep('\0', 8)
local FIXED = '>Bc1BBI2I2I2I6c8I6I6I6I4I4I2I6I4I4BB'
local HEAD = '>c1BBI2I2I2I6c8I6I6I6I4I4I2'

local function parse(raw)
  local _, state, flags, error, status, attempts, answers, claim, worker, due, first, ended, n, gen, client_gen, created,
    retention, body, mask, owner_length = unpack_struct(FIXED, raw)
  -- Built at once: a table that grows field by field is rehashed five times.
  return {
    raw = raw, state = state, flags = flags, error = error, status = status, attempts = attempts, answers = answers,
    claim = claim, worker = worker, due = due, first = first, ended = ended, n = n, gen = gen, client_gen = client_gen,
    created = created, retention = retention, body = body, mask = mask, owner = string.sub(raw, 69, 68 + owner_length),
    more = 69 + owner_length,
  }
end

local function read_task(id)
  local raw = call('GETRANGE', P .. 'task:' .. id, '0', '170')
  return raw ~= '' and parse(raw) or nil
end

local function head(t)
  return pack(HEAD, t.state, t.flags, t.error, t.status, t.attempts, t.answers, t.claim, t.worker, t.due, t.first,
    t.ended, t.n, t.gen, t.client_gen)
end

local function write_head(id, t)
  call('SETRANGE', P .. 'task:' .. id, '1', head(t))
end

local function waits(t)
  return t.state == 'r' or t.state == 's' or t.state == 't'
end

-- A failover forgot a claim, under which an attempt was made all the same.
local function remember_claim(t, claim, worker)
  t.claim, t.worker, t.attempts = claim, worker, math.min(t.attempts + 1, 65535)
  if t.first == 0 then t.first = math.min(claim, now) end
end

-- What the task says for itself: when it expires, its own max_concurrent, its retry settings; nil where it says nothing.
local function own_settings(t)
  local at, expires, max_concurrent, retry = t.more, nil, nil, nil
  if t.mask % 2 >= 1 then
    expires, at = unpack_struct('>I6', t.raw, at)
  end
  if t.mask % 4 >= 2 then
    max_concurrent, at = unpack_struct('>I4', t.raw, at)
  end
  if t.mask % 8 >= 4 then
    retry, at = string.sub(t.raw, at, at + 20), at + 21
  end
  return expires, max_concurrent, retry, at
end

-- The host and port of a whole record's url, as breakers name it.
local function host_of(t)
  local _, _, _, at = own_settings(t)
  local length = unpack_struct('>I2', t.raw, at)
  local url = string.sub(t.raw, at + 2, at + 1 + length)
  local scheme, host = string.match(url, '^(https?)://([^/?#]+)')
  if not string.find(host, ':%d+$') then host = host .. (scheme == 'https' and ':443' or ':80') end
  return host
end
