-- use_session: a call with a session: it stays open for as long again, up to its maximum age. KEYS here are the configuration's.
-- ARGV   now, digest of the cookie, how long it may be unused, how long it may exist (ms)
-- REPLY  what it represents, as in put_session; empty when it has ended
--@include lib/base
local key, idle, life = P .. 'session:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local made, represents = string.match(call('GET', key) or '', '^(%d+) (.*)$')
if not made then return { '' } end
call('PEXPIRE', key, text(math.min(idle, made + life - now)))
return { represents }
