-- host_names: the names under which the limits of a host may be stored: with its port, which comes first, and without; never with the dot
-- that may end it. Of a host and port as breakers name them.
local function host_names(whole)
  local name, port = string.match(whole, '^(.-)%.?:(%d+)$')
  return { name .. ':' .. port, name }
end
