-- prove_record: records that cannot be read.
-- Whether a record matches its head: its length, with a host, its callback, and a url.
local function is_whole(id, t)
  local dropped = t.state == 'k' or t.state == 'c'
  local raw, next_at = call('GETRANGE', P .. 'task:' .. id, 0, dropped and -1 or -1 - t.body), nil
  local _, _, _, at = own_settings(t)
  local part
  part, next_at = text_at(raw, at)
  if part and t.mask % 128 >= CALLBACK then part, next_at = text_at(raw, next_at) end
  if part then part, next_at = text_at(raw, next_at) end
  return part and #raw >= next_at
end

-- An invalid record is removed from the sets, and set aside unchanged, so that it can be inspected: `unreadable:<id>`.
local function prove_record(id, t)
  local key = 'task:' .. id
  if t and (hidden(t) or is_whole(id, t)) or call('EXISTS', P .. key) == 0 then return t end
  if find('record_unreadable', key, call('STRLEN', P .. key) .. ' bytes') then
    call('RENAME', P .. key, P .. 'unreadable:' .. id)
    call('PERSIST', P .. 'unreadable:' .. id)
  end
  return nil
end
