-- unparking: one step of an item in `unparking`. Returns whether there is more.
local CLIENTS = 10

local function unpark_some()
  local item = call('LPOP', P .. 'unparking')
  if not item then return false end
  local kind, owner = string.match(item, '^(.):(.*)$')
  if kind == 'c' then
    call('HDEL', P .. 'client:' .. owner, 'unparking')
    unpark(owner)
  else
    local owners = call('ZRANGEBYLEX', P .. 'clients', owner == '' and '-' or '(' .. owner, '+', 'LIMIT', 0, CLIENTS)
    for _, one in ipairs(owners) do
      spend(3)
      unpark(one)
    end
    if #owners == CLIENTS then call('RPUSH', P .. 'unparking', 't:' .. owners[CLIENTS]) end
  end
  return call('EXISTS', P .. 'unparking') == 1
end
