-- task: the record of a task, which is laid out in lib/record.
--@include lib/record
local CANCELLING, PROBE = 1, 2
local NOBODY = '\0\0\0\0\0\0\0\0'
local HEAD = '>c1BBI2I2I2I6c8I6I6I6I4I4I2'

local function parse_cloud(t)
  if #t.raw < t.more + 27 + math.floor(t.mask / NAMED) % 2 * 20 then return nil end
  t.cloud = true
  t.responses, t.early, t.last_due, t.last_began, t.last_ended, t.run_at, t.own = unpack_struct(CLOUD_FIELDS, t.raw, t.more)
  if t.mask % 32 >= NAMED then
    t.name_taken, t.name, t.own = unpack_struct('>I4c16', t.raw, t.own)
  end
  return t
end

-- A record, or its beginning, as far as the owner at least; nil for what is not a record of this version, which callers treat as absent.
local function parse(raw)
  if #raw < AT.owner or string.byte(raw) ~= VERSION then return nil end
  local _, state, flags, error, status, attempts, answers, claim, worker, due, first, ended, n, gen, client_gen, created,
    retention, body, mask, owner_length = unpack_struct(FIXED, raw)
  if #raw < AT.owner + owner_length or not string.find('rstakdc', state, 1, true) then return nil end
  -- Built at once: a table that grows field by field is rehashed five times.
  local t = {
    raw = raw, state = state, flags = flags, error = error, status = status, attempts = attempts, answers = answers,
    claim = claim, worker = worker, due = due, first = first, ended = ended, n = n, gen = gen, client_gen = client_gen,
    created = created, retention = retention, body = body, mask = mask,
    owner = string.sub(raw, AT.owner + 1, AT.owner + owner_length),
    more = AT.owner + 1 + owner_length + (mask >= 128 and 6 or 0),
  }
  if mask % 16 >= CLOUD then return parse_cloud(t) end
  return t
end

-- A record as far as its settings reach; nil when there is none.
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

-- An attempt of a task of Cloud Tasks begins; `run_at` is when RunTask requested it, or 0.
local function begin_attempt(t, at, run_at)
  t.last_due, t.last_began, t.last_ended, t.run_at = t.due, at, 0, run_at
end

-- Whether RunTask requested the running attempt: it bypasses the limits of its queue, so that they do not count it.
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

-- A failover lost a claim, under which an attempt was made anyway.
local function remember_claim(t, claim, worker)
  t.claim, t.worker, t.attempts = claim, worker, math.min(t.attempts + 1, 65535)
  if t.first == 0 then t.first = math.min(claim, now) end
  if t.cloud then begin_attempt(t, math.min(claim, now), 0) end
end

--@include lib/own_settings
