-- secrets: `signing` holds, for each client that signs: version(6), then for each secret, the youngest first:
--   created(6) · signs until(6; 0 for the youngest) · type(1; h hmac, e ed25519) · length(1) · secret
local function read_secrets(owner)
  local held, secrets = call('HGET', P .. 'signing', owner), {}
  if not held then return 0, secrets end
  local version, at = unpack_struct('>I6', held)
  while at <= #held do
    local one = {}
    one.created, one.till, one.kind, one.secret, at = unpack_struct('>I6I6c1Bc0', held, at)
    if one.till == 0 or one.till > now then secrets[#secrets + 1] = one end
  end
  return version, secrets
end

local function write_secrets(owner, version, secrets)
  local parts = { pack('>I6', version) }
  for _, one in ipairs(secrets) do
    parts[#parts + 1] = pack('>I6I6c1Bc0', one.created, one.till, one.kind, #one.secret, one.secret)
  end
  call('HSET', P .. 'signing', owner, table.concat(parts))
end
