-- prove_shard: the sum of the weights, and the lists of clients.
function proofs.shard()
  if not affordable(3 * call('ZCARD', P .. 'busy')) then return end
  local sum = 0
  for _, n in ipairs(call('ZRANGE', P .. 'busy', 0, -1)) do
    local q = queue(tonumber(n))
    if q then sum = sum + q.weight end
  end
  if sum ~= shard().weights and find('weights_wrong', 'shard', number(shard().weights) .. ' instead of ' .. number(sum)) then
    shard().weights, shard().dirty = sum, true
  end
end

function proofs.clients()
  for at = FIRST, #ARGV do
    local id = ARGV[at]
    local c = client(id)
    local listed = call('ZSCORE', P .. 'clients', id) and true or false
    local wanted = c and c.on ~= 'x' or false
    if listed ~= wanted then
      if find('client_' .. (listed and 'listed' or 'not_listed'), 'client:' .. id, wanted and 'is known' or 'is not known') then
        if wanted then call('ZADD', P .. 'clients', 0, id) else call('ZREM', P .. 'clients', id) end
      end
    end
    local brief = c and c.stored[2]
    if brief and brief ~= client_brief(c.key) and find('brief_wrong', 'client:' .. id, 'its packed settings are others') then
      call('HDEL', c.key, 'brief')
    end
    if c and c.stranger and not call('ZSCORE', P .. 'strangers', id) then
      if find('stranger_not_listed', 'client:' .. id, 'would never be forgotten') then call('ZADD', P .. 'strangers', now, id) end
    end
  end
end
