-- close: the end of a script: writes back its changes, once, and wakes a worker when there is work for one.
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
