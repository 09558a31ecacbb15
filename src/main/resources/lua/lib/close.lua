-- close: a script ends: what it changed is written back, once, and a worker is woken when there is something for one.
local function write_back()
  if at_close then at_close() end
  flush_queues()
  flush_clients()
  flush_shard()
end

local function close(claimable)
  write_back()
  if claimable or wake_wanted or keeper_late then wake() end
end
