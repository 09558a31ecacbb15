-- excerpt: the beginning of the last response, which LogEntry.java wrote behind the 15 bytes of an entry of the log.

-- In JSON; null unless the last entry is that of the last attempt, which failed with a status.
local function last_excerpt(id, t)
  if t.state == 'k' or t.status == 0 then return 'null' end
  local entry = call('LRANGE', P .. 'task:' .. id .. ':log', -1, -1)[1] or ''
  if #entry < 16 then return 'null' end
  local number, _, _, status = unpack_struct('>I2I6I4I2', entry)
  if number ~= t.attempts or status ~= t.status then return 'null' end
  spend(5, #entry)
  return cjson.encode(string.sub(entry, 16))
end

-- How many bytes a dead task takes: its record, and the excerpts of its attempts.
local function bytes_of_dead(id)
  local bytes = call('STRLEN', P .. 'task:' .. id)
  for _, entry in ipairs(call('LRANGE', P .. 'task:' .. id .. ':log', 0, -1)) do
    if string.sub(entry, 13, 14) ~= '\0\0' then bytes = bytes + math.max(0, #entry - 15) end
  end
  return bytes
end
