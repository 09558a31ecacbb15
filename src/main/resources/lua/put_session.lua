-- put_session: a session of the dashboard begins. KEYS here are the configuration's. Ended sessions leave the list; when there are
-- too many, of its key or in total, the oldest one ends.
-- ARGV   now, digest of the cookie, what it represents: 'r' and a proof, or 'a' or 'c' and the digest of a key, how many a key may
--        have, how many there may be, how long it may be unused (ms)
-- REPLY  nothing
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local sessions, digest, represents, of_key_max, max, idle = P .. 'sessions', ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local owner = string.sub(represents, 1, 1) == 'r' and 'r' or represents
local all, own = {}, {}

local function leave(member)
  call('ZREM', sessions, member)
  call('DEL', P .. 'session:' .. string.match(member, '[^ ]*$'))
end

for _, member in ipairs(call('ZRANGE', sessions, 0, -1)) do
  local whose, of = string.match(member, '^(.*) ([^ ]*)$')
  if call('EXISTS', P .. 'session:' .. of) == 0 then
    call('ZREM', sessions, member)
  else
    all[#all + 1] = member
    if whose == owner then own[#own + 1] = member end
  end
end
if #own >= of_key_max then leave(own[1]) elseif #all >= max then leave(all[1]) end
call('SET', P .. 'session:' .. digest, now_text .. ' ' .. represents, 'PX', idle)
call('ZADD', sessions, now_text, owner .. ' ' .. digest)
