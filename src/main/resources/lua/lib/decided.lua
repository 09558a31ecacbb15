-- decided: which change of a thing was decided last: its revision, when that was, and the word of the call.
local function decided(field)
  local value = call('HGET', P .. 'revisions', field)
  if not value then return 0, 0, '' end
  local revision, at, by = string.match(value, '^(%d+):(%d+):(.*)$')
  return tonumber(revision), tonumber(at), by
end
