-- prove_members: logs and members of sets without a task.
function proofs.logs()
  for at = FIRST, #ARGV do
    local id = ARGV[at]
    if call('EXISTS', P .. 'task:' .. id .. ':log') == 1 and call('EXISTS', P .. 'task:' .. id) == 0 then
      if find('log_of_no_task', 'task:' .. id, 'its log is left') then gone(id) end
    end
  end
end

-- Whether a task belongs into a set that names it.
local function belongs(t, set, key)
  if set == 'all' then return t.cloud and (waits(t) or t.state == 'a') and all_of(t) == key end
  if set == 'retire' then return not hidden(t) and (t.state == 'd' or t.state == 'k' or t.state == 'c') end
  return home(t) == key
end

function proofs.members()
  local set, n, gen, owner = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
  local key = P .. set
  if set == 'ready' then
    key = base_of(n, gen) .. 'ready:' .. owner
  elseif set == 'due' or set == 'all' then
    key = base_of(n, gen) .. set
  elseif set == 'dead' or set == 'done' then
    key = P .. 'queue:' .. n .. ':' .. set
  end
  if gen >= 0 and (not queue(n) or queue(n).gen ~= gen) then return end -- purged: `tidy` drops it as it is
  for at = FIRST + 4, #ARGV do
    local id = ARGV[at]
    local t = read_task(id)
    if call('ZSCORE', key, id) and not (t and belongs(t, set, key)) then
      if find(t and 'task_in_wrong_set' or 'member_of_no_task', 'task:' .. id, string.sub(key, #P + 1) .. (t and ' holds it, it is ' .. t.state or '')) then
        call('ZREM', key, id)
      end
    end
  end
end
