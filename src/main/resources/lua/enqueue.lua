-- enqueue: puts 1 to 100 tasks into their queues. A task whose id or idempotency key was seen gets the same reply again, and
--        existing data is written again unchanged: WAIT counts replicas only for a script that wrote something (Redis 8, Valkey 8).
-- ARGV   now, open ('1': unknown clients are auto-registered), maximum of those, ms that an idempotency key lives, then for each
--        task: packed: id, proof (o open, k key, a admin), n of the queue, 'd' delay or 'a' absolute, that in ms, own
--        max_concurrent, own requests_per_min (all bits set: unset); then client, name of the queue, idempotency key or
--        '', payload's digest, the record from byte 58 on. A task of Cloud Tasks has '' for a client, the digest of its name or
--        '' for a key, and for a payload the ms that its name stays reserved after its end
-- REPLY  for each task one packed string: word, id, due, limits, remaining, full again at, retry after ms.
--        Words: e enqueued, d duplicate, r over the rate, u key used with another payload, q no such queue, n queue not
--        allowed, x client disabled, k key required, m too many strangers, w client unknown, b backlog full: then in place of
--        due the limit, of the first of limits 1 for tasks and 2 for bytes, of full again at what is there. For a new task, in place of
--        retry after, what holds it: 0 nothing, 1 its queue is paused, 2 its client or 3 its queue has no room, 4 its time. For one of
--        Cloud Tasks: e, q, or u when its name is taken; and when it was made in place of full again at
--@include lib/base
--@include lib/wake
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/minute
--@include lib/place
--@include lib/close
local open, strangers_max, key_ttl_ms = ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST, STRIDE, NO_ID = 5, 6, '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

--@include lib/refusal

--@include lib/enqueue_cloud

local function enqueue(at)
  local facts, owner, name, key, payload, tail = unpack(ARGV, at, at + STRIDE - 1)
  local id, proof, n, kind, ms, own_concurrent, own_per_min = unpack_struct('>c16c1I4c1I6I4I4', facts)
  local due = kind == 'd' and now + ms or math.max(now, ms)
  if owner == '' then return enqueue_cloud(id, n, due, key, payload, tail) end
  local refused = refusal(owner, proof, n, name)
  -- A repeated call, after an unknown result, gets the reply of the first, whatever changed meanwhile.
  local known = refused and due_before(id) or ''
  if refused and (known == '' or not client(owner)) then return reply(refused, NO_ID, 0) end
  local c = client(owner)
  local default = not c and tier_limits('default')
  local limits = { math.min(c and c.max_concurrent or default[1], own_concurrent),
    math.min(c and c.requests_per_min or default[2], own_per_min) }
  if refused then
    minute(c)
    return reply('e', id, unpack_struct('>I6', known), c, limits, 0)
  end
  local kept = P .. 'key:c:' .. owner .. ':' .. key
  local first = c and key ~= '' and call('GET', kept)
  if first then
    if string.sub(first, 23) ~= payload then return reply('u', NO_ID, 0) end
    minute(c)
    write_again(kept)
    local of = string.sub(first, 1, 16)
    return reply(of == id and 'e' or 'd', of, unpack_struct('>I6', first, 17), c, limits, 0)
  end
  if c then
    minute(c)
    -- The backlog limit: a running task counts too, because it may be retried.
    local most, there, what = c.max_waiting, c.live, 1
    local over = most and there >= most
    if not over and c.max_waiting_bytes then
      most, there, what = c.max_waiting_bytes, c.bytes, 2
      over = there + unpack_struct('>I4', tail, 5) > most
    end
    if over then
      known = due_before(id)
      if known ~= '' then return reply('e', id, unpack_struct('>I6', known), c, limits, 0) end
      return pack('>c1c16I6I4I4I4I6I6', 'b', NO_ID, most, what, 0, 0, there, 0)
    end
    if c.sum + 1 > limits[2] then
      known = due_before(id)
      if known ~= '' then return reply('e', id, unpack_struct('>I6', known), c, limits, 0) end
      return reply('r', NO_ID, 0, c, limits, wait_ms(c, limits[2]))
    end
  else
    c = stranger(owner)
    minute(c)
  end
  local held = 0
  if place(queue(n), c, id, due, tail) then
    held = held_by(queue(n), c, limits, due)
    c.sum = c.sum + 1
    c.minute.added = c.minute.added + 1
    if key ~= '' then
      call('SET', kept, id .. pack('>I6', due) .. payload, 'PX', key_ttl_ms)
    end
  else
    due = unpack_struct('>I6', due_before(id))
  end
  return reply('e', id, due, c, limits, held)
end

local replies = {}
for at = FIRST, #ARGV, STRIDE do
  replies[#replies + 1] = enqueue(at)
end
seat_placed()
for _, c in pairs(clients) do
  if c then flush_minute(c) end
end
close(claimable)
return replies
