-- prove_schedules: exactly the schedules that wait for a tick are in `schedules`, by its time.
local function prove_schedule(name)
  local key = P .. 'schedule:' .. name
  local f = call('HMGET', key, 'client', 'next', 'comes')
  local stands = call('ZSCORE', P .. 'schedules', name)
  if not f[1] then
    if (stands or call('EXISTS', key .. ':runs') == 1) and find('schedule_gone', 'schedule:' .. name, 'there is no such schedule') then
      call('ZREM', P .. 'schedules', name)
      call('DEL', key .. ':runs')
    end
  elseif f[2] and tonumber(stands) ~= tonumber(f[3]) then
    if find('schedule_not_waiting', 'schedule:' .. name, 'its tick comes at ' .. f[3]) then
      call('ZADD', P .. 'schedules', f[3], name)
    end
  elseif stands and not f[2] then
    if find('schedule_waits_paused', 'schedule:' .. name, 'it waits for no tick') then call('ZREM', P .. 'schedules', name) end
  end
  facts[#facts + 1] = f[1] or ''
end

function proofs.schedules()
  for at = FIRST, #ARGV do prove_schedule(ARGV[at]) end
end
