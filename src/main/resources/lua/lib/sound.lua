-- sound: a task, when its record can be read as far as any move reads it; else nil. A move that met a broken record half-way would have
-- done a part of its work.
local function read_whole(id)
  local t = read_front(id)
  assert(host_behind(id, t) ~= '-:0')
  if t.mask % 64 >= LABELED then label_keys_of(id, t) end
  return t
end

local function read_sound(id)
  local readable, t = pcall(read_whole, id)
  return readable and t or nil
end
