-- late_changes: changes that were recorded a while ago, and not carried out. KEYS here are the configuration's.
-- ARGV   now, ms that a change has
-- REPLY  for each, at most 20: the thing, its revision, its steps
--@include lib/base
local late, page = {}, call('HSCAN', P .. 'changes', '0', 'COUNT', 1000)[2]
for i = 1, #page, 2 do
  local revision, noted = unpack_struct('>I6I6', page[i + 1])
  if (now - noted >= tonumber(ARGV[2]) or noted > now) and #late < 60 then
    late[#late + 1], late[#late + 2], late[#late + 3] = page[i], revision, string.sub(page[i + 1], 13)
  end
end
return late
