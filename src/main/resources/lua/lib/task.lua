-- task: the record of a task. TaskCodec.java holds the same offsets.
--   0 version · 1 state · 2 flags · 3 error · 4 status(2) · 6 attempts(2) · 8 answers below 500(2) · 10 claim(6)
--  16 worker(8) · 24 due(6) · 30 first attempt(6) · 36 ended(6) · 42 queue(4) · 46 generation(4) · 50 client generation(2)
--  52 created(6) · 58 retention in seconds(4) · 62 length of the body(4) · 66 mask · 67 length of the owner · 68 owner
--  then, as the mask says:
--   8 a task of Cloud Tasks, whose owner is its queue ('' for short). Moves change these: answers(2) · µs that its due time lies
--     before the ms above(2) · of the attempt begun last: when it was due(6), began(6), ended(6; 0 while it runs), and when a
--     RunTask called for it(6; 0 when none did)
--  16 its name: for how many ms it stays taken after its end(4) · digest(16)
--   1 expires(6) · 2 own max_concurrent(4) · 4 retry(21) · 64 what is told of its end (lib/callback.lua), behind its length(2) ·
--   32 it has labels, and is found by them (lib/labels.lua); then the url's length(2) and the url;
--  the rest is opaque here, and ends with the body. Times are ms since the epoch.
local CANCELLING, PROBE = 1, 2
local CLOUD, NAMED, LABELED, CALLBACK, NO_GENERATION = 8, 16, 32, 64, 2 ^ 32 - 1
local NOBODY = string.rep('\0', 8)
local FIXED = '>Bc1BBI2I2I2I6c8I6I6I6I4I4I2I6I4I4BB'
local HEAD = '>c1BBI2I2I2I6c8I6I6I6I4I4I2'
local CLOUD_FIELDS = '>I2I2I6I6I6I6'

local function parse_cloud(t)
  t.cloud = true
  t.responses, t.early, t.last_due, t.last_began, t.last_ended, t.run_at, t.own = unpack_struct(CLOUD_FIELDS, t.raw, t.more)
  if t.mask % 32 >= NAMED then
    t.name_taken, t.name, t.own = unpack_struct('>I4c16', t.raw, t.own)
  end
  return t
end

local function parse(raw)
  local _, state, flags, error, status, attempts, answers, claim, worker, due, first, ended, n, gen, client_gen, created,
    retention, body, mask, owner_length = unpack_struct(FIXED, raw)
  -- Built at once: a table that grows field by field is rehashed five times.
  local t = {
    raw = raw, state = state, flags = flags, error = error, status = status, attempts = attempts, answers = answers,
    claim = claim, worker = worker, due = due, first = first, ended = ended, n = n, gen = gen, client_gen = client_gen,
    created = created, retention = retention, body = body, mask = mask, owner = string.sub(raw, 69, 68 + owner_length),
    more = 69 + owner_length,
  }
  return mask % 16 >= CLOUD and parse_cloud(t) or t
end

local function read_task(id)
  local raw = call('GETRANGE', P .. 'task:' .. id, '0', '170')
  return raw ~= '' and parse(raw) or nil
end

local function head(t)
  return pack(HEAD, t.state, t.flags, t.error, t.status, t.attempts, t.answers, t.claim, t.worker, t.due, t.first,
    t.ended, t.n, t.gen, t.client_gen)
end

-- All that moves may have changed: the record from byte 1 on, as far as that reaches.
local function front(t)
  if not t.cloud then return head(t) end
  return head(t) .. string.sub(t.raw, 53, t.more - 1)
    .. pack(CLOUD_FIELDS, t.responses, t.early, t.last_due, t.last_began, t.last_ended, t.run_at)
end

local function write_head(id, t)
  call('SETRANGE', P .. 'task:' .. id, '1', front(t))
end

-- An attempt of a task of Cloud Tasks begins; `run_at` is when a RunTask called for it, or 0.
local function begin_attempt(t, at, run_at)
  t.last_due, t.last_began, t.last_ended, t.run_at = t.due, at, 0, run_at
end

-- Whether a RunTask called for the attempt that runs: past the limits of its queue, so that it is not counted by them.
local function express(t)
  return t.cloud and t.run_at > 0
end

-- When a task waits for next.
local function set_due(t, due)
  t.due = due
  if t.cloud then t.early, t.run_at = 0, 0 end
end

local function waits(t)
  return t.state == 'r' or t.state == 's' or t.state == 't'
end

-- A failover forgot a claim, under which an attempt was made all the same.
local function remember_claim(t, claim, worker)
  t.claim, t.worker, t.attempts = claim, worker, math.min(t.attempts + 1, 65535)
  if t.first == 0 then t.first = math.min(claim, now) end
  if t.cloud then begin_attempt(t, math.min(claim, now), 0) end
end

-- What the task says for itself: when it expires, its own max_concurrent, its retry settings; nil where it says nothing.
local function own_settings(t)
  local at, expires, max_concurrent, retry = t.own or t.more, nil, nil, nil
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

-- Where the url's length stands in the record.
local function url_at(t)
  local _, _, _, at = own_settings(t)
  return t.mask % 128 >= CALLBACK and at + 2 + unpack_struct('>I2', t.raw, at) or at
end

-- The host and port of a url, or of its beginning, as breakers name it.
local function host_in(url)
  local scheme, host = string.match(url, '^(https?)://([^/?#]+)')
  if not host then return '-:0' end
  if not string.find(host, ':%d+$') then host = host .. (scheme == 'https' and ':443' or ':80') end
  return host
end

-- The host and port of a whole record's url.
local function host_of(t)
  local at = url_at(t)
  return host_in(string.sub(t.raw, at + 2, at + 1 + unpack_struct('>I2', t.raw, at)))
end

-- A record as far as its settings reach; nil when there is none.
local function read_front(id)
  local raw = call('GETRANGE', P .. 'task:' .. id, 0, 511)
  return raw ~= '' and parse(raw) or nil
end

-- The host and port, in lower case, of a record that was read as far as its settings reach.
local function host_behind(id, t)
  local at = url_at(t)
  local url = at + 301 <= #t.raw and string.sub(t.raw, at + 2, at + 301) or call('GETRANGE', P .. 'task:' .. id, at + 1, at + 300)
  return string.lower(host_in(url))
end
