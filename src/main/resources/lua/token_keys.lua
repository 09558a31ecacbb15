-- token_keys: the keys of tokens; stores the given key or token where needed. KEYS here are the configuration's.
-- ARGV   now, key or '', opaque token or '', ms after which a key is followed by another, ms after which it is deleted
-- REPLY  now, the opaque token or '', then for each key, the youngest first: made (ms), key
--@include lib/base
local keys, offered, opaque = P .. 'token_keys', ARGV[2], ARGV[3]
local renew_ms, drop_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local youngest = tonumber(call('ZREVRANGE', keys, 0, 0, 'WITHSCORES')[2])
if youngest then
  -- Never the youngest, however old.
  call('ZREMRANGEBYSCORE', keys, '-inf', '(' .. text(math.min(youngest, now - drop_ms)))
end
if offered ~= '' and (not youngest or now - youngest >= renew_ms) then call('ZADD', keys, now_text, offered) end
if opaque ~= '' then call('SETNX', P .. 'token', opaque) end
local reply = { now, call('GET', P .. 'token') or '' }
local all = call('ZREVRANGE', keys, 0, -1, 'WITHSCORES')
for at = 1, #all, 2 do
  reply[#reply + 1], reply[#reply + 2] = tonumber(all[at + 1]), all[at]
end
return reply
