-- put_admin_key: creates or replaces a named admin key; the replaced one may stay valid for a while, and
-- then two of a name are. KEYS here are the configuration's.
-- ARGV   now, name, digest, 'r' for one that is read-only, 'w' for one that is not or '' for one as before, how many names
--        there may be, '1' to replace, how long the key that is replaced stays valid (ms)
-- REPLY  'made', 'replaced', 'exists' when there is one and it is not to be replaced, or 'full' when there are as many of other names
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local keys, name, flag, most, replace, keep = P .. 'admin_keys', ARGV[2], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])
local before = call('HGET', keys, name)
if before and not replace then return 'exists' end
if not before and call('HLEN', keys) >= most then return 'full' end
local old = before and string.match(before, '^[^,]+')
if flag == '' then flag = old and string.match(old, '[^:]*$') or 'w' end
local record = ARGV[3] .. ':' .. text(math.floor(now / 1000)) .. ':' .. flag
if old and keep > 0 then record = record .. ',' .. old .. ':' .. text(now + keep) end
call('HSET', keys, name, record)
return before and 'replaced' or 'made'
