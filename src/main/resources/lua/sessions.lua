-- sessions: all open sessions of the dashboard, the oldest first. KEYS here are the configuration's.
-- ARGV   now
-- REPLY  for each: digest of the cookie, what it represents, as in put_session, when it began, for how many ms it still exists if
--        it is not used
--@include lib/base
local reply = {}
for _, member in ipairs(call('ZRANGE', P .. 'sessions', 0, -1)) do
  local digest = string.match(member, '[^ ]*$')
  local made, represents = string.match(call('GET', P .. 'session:' .. digest) or '', '^(%d+) (.*)$')
  if made then
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = digest, represents, tonumber(made)
    reply[#reply + 1] = call('PTTL', P .. 'session:' .. digest)
  end
end
return reply
