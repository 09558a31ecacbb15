-- put_secret: a client's first signing secret, or the next; those before continue to sign for a while. KEYS here are the configuration's.
-- ARGV   now, client, type (a letter), secret, ms that the one before continues to sign, maximum that sign at once
-- REPLY  'done', version, ms until which the one before signs (0: there is none); or 'many', 0, ms until which the oldest signs
--@include lib/base
--@include lib/secrets
local owner, kind, secret, overlap_ms, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local version, secrets = read_secrets(owner)
local before = secrets[1]
if before and before.secret == secret then -- the same call again, after an unknown result
  return { 'done', version, secrets[2] and secrets[2].till or 0 }
end
if #secrets >= most then return { 'many', 0, secrets[#secrets].till } end
if before then before.till = now + overlap_ms end
version = call('INCR', P .. 'signing:version')
table.insert(secrets, 1, { created = now, till = 0, kind = kind, secret = secret })
write_secrets(owner, version, secrets)
return { 'done', version, before and before.till or 0 }
