-- callback: a task's end is reported by a separate task, created in the same script, so that it is never lost. Its id follows from the
-- task's and from its last claim: the same end creates only one, and a task that was started again reports its next end too.
-- The section in the record: length(2) · ends to report(1): 1 succeeded, 2 dead, 4 cancelled · length(2) and the labels in
-- JSON · of the record that tells them, its host, and what it has from its url to its body. In that record: length(2) · 0(1) · the id of
-- the task.
-- They are created when the script ends: a claim must not meet a new task among those that it counts by their ranks.
--@include lib/excerpt
local ended_tasks = {}
local tell_end
do
  local ENDS = { k = { 1, 'succeeded' }, d = { 2, 'dead' }, c = { 4, 'cancelled' } }
  local ERRORS = { 'timeout', 'connect_failed', 'connection_lost', 'tls_failed', 'bad_response', 'blocked_address', 'lease_lost',
    'expired' }

  local function uuid(id)
    local hex = string.gsub(id, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
    return (string.gsub(hex, '^(........)(....)(....)(....)', '%1-%2-%3-%4-'))
  end

  -- RFC 3339. The year begins with March, so that the day of a leap year is its last.
  local function time_text(ms)
    local days = math.floor(ms / 86400000)
    local left = ms - days * 86400000
    local shifted = days + 719468
    local era = math.floor(shifted / 146097)
    local day = shifted - era * 146097
    local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
    day = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * day + 2) / 153)
    day = day - math.floor((153 * month + 2) / 5) + 1
    month = month < 10 and month + 3 or month - 9
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year + era * 400 + (month <= 2 and 1 or 0), month, day,
      math.floor(left / 3600000), math.floor(left / 60000) % 60, math.floor(left / 1000) % 60, left % 1000)
  end

  -- A UUIDv7 of the same shard, of when the task was claimed last.
  local function callback_id(id, t)
    local hash = redis.sha1hex('callback' .. id .. string.format('%.0f', t.claim))
    local b = {}
    for i = 1, 9 do b[i] = tonumber(string.sub(hash, 2 * i - 1, 2 * i), 16) end
    return pack('>I6', math.max(t.claim, t.created)) .. string.char(0x70 + b[1] % 16, b[2], 0x80 + b[3] % 64, b[4], b[5], b[6],
      b[7], b[8], b[9] - b[9] % 64 + string.byte(id, 15) % 64, string.byte(id, 16))
  end

  local function callback_body(q, id, t, word, labels)
    local cause = ERRORS[t.error] or t.status > 0 and math.floor(t.status / 100) ~= 2 and 'http_' .. t.status
    return '{"task_id":"' .. uuid(id) .. '","client_id":"' .. t.owner .. '","queue":"' .. q.name .. '","state":"' .. word
      .. '","attempts":' .. t.attempts .. ',"last_status":' .. (t.status > 0 and t.status or 'null')
      .. ',"last_error":' .. (cause and '"' .. cause .. '"' or 'null') .. ',"last_excerpt":' .. t.excerpt
      .. ',"created_time":"' .. time_text(t.created) .. '","finished_time":"' .. time_text(t.ended) .. '","labels":' .. labels
      .. '}'
  end

  -- Whether a callback was created.
  local function call_back(q, id, t, at)
    local c = client(t.owner)
    if not c or c.on == 'x' or c.gen ~= t.client_gen then return false end
    local length, ends, labels_length = unpack_struct('>I2BI2', t.raw, at)
    local told = ENDS[t.state]
    if math.floor(ends / told[1]) % 2 == 0 then return false end
    local labels, host_at = string.sub(t.raw, at + 5, at + 4 + labels_length), at + 5 + labels_length
    local _, url_at = text_at(t.raw, host_at)
    if not url_at then return false end
    local made, body = callback_id(id, t), callback_body(q, id, t, told[2], labels)
    local record = pack(FIXED, VERSION, 'r', 0, 0, 0, 0, 0, 0, NOBODY, now, 0, 0,
      q.n, q.gen, c.gen, now, t.retention, #body, CALLBACK, #t.owner) .. t.owner .. string.sub(t.raw, host_at, url_at - 1)
      .. pack('>I2B', 17, 0) .. id .. string.sub(t.raw, url_at, at + 1 + length) .. body
    if not call('SET', P .. 'task:' .. made, record, 'NX') then return false end
    count_live(t.owner, 1, #body)
    make_ready(q, made, { owner = t.owner, due = now })
    serve(q)
    wake_wanted = true
    return true
  end

  local function call_back_all()
    local tasks, made = ended_tasks, false
    ended_tasks, at_close = {}, nil
    for _, one in ipairs(tasks) do made = call_back(unpack(one)) or made end
    return made
  end

  -- Notes that the task ended, for when the script ends.
  tell_end = function(q, id, t)
    local whole = parse(call('GETRANGE', P .. 'task:' .. id, 0, -1 - t.body))
    if not whole then return end
    local _, _, _, host_at = own_settings(whole)
    local _, at = text_at(whole.raw, host_at)
    local section = text_at(whole.raw, at)
    if not section or #section < 3 or string.byte(section) == 0 then return end -- it reports another's end
    whole.state, whole.ended, whole.status, whole.error, whole.attempts, whole.claim = t.state, t.ended, t.status, t.error,
      t.attempts, t.claim
    whole.excerpt = last_excerpt(id, t)
    ended_tasks[#ended_tasks + 1] = { q, id, whole, at }
    at_close = call_back_all
  end
end
