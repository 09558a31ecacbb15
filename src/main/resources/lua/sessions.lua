-- sessions: the open sessions of the dashboard, the oldest first, some in each call. KEYS here are the configuration's.
-- ARGV   now, how many of the oldest to leave out
-- REPLY  how many to leave out in the next call (-1: there are no more), then for each: digest of the cookie, what it represents, as
--        in put_session, when it began, for how many ms it still exists if it is not used
--@include lib/base
local PAGE, from = 100, tonumber(ARGV[2])
local members = call('ZRANGE', P .. 'sessions', from, from + PAGE - 1)
local reply = { #members == PAGE and from + PAGE or -1 }
for _, member in ipairs(members) do
  local digest = string.match(member, '[^ ]*$')
  local made, represents = string.match(call('GET', P .. 'session:' .. digest) or '', '^(%d+) (.*)$')
  if made then
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = digest, represents, tonumber(made)
    reply[at + 4] = call('PTTL', P .. 'session:' .. digest)
  end
end
return reply
