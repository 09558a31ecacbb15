-- labels: `label:<digest>` holds the ids of the tasks with a label, all at one score, so that they are in the order of their
-- ids: in that in which they were made. A record whose mask has 32 is there under each of its labels, until it is deleted.
-- Behind the url a record goes on with flags(1) · method(1) · if the flags have 2, timeout(6) · 4, headers: how many(1), each length(2),
-- name, length(2), value · 8, labels, as the headers; the rest is opaque. The digest is that of a label in this form.

-- The indexes that a record belongs in, or its part from some byte on, with the mask at `at`. Cloud Tasks has no labels.
local function find_label_keys(raw, at)
  local mask, owner = unpack_struct('BB', raw, at)
  if mask % 16 >= 8 then return {} end
  at = at + 2 + owner + math.floor(mask / 128) * 6 + mask % 2 * 6 + math.floor(mask / 2) % 2 * 4 + math.floor(mask / 4) % 2 * 21
  local function skip()
    at = at + 2 + unpack_struct('>I2', raw, at)
  end
  skip() -- the host
  if mask % 128 >= 64 then skip() end
  skip() -- the url
  local flags = string.byte(raw, at)
  if flags % 16 < 8 then return {} end
  at = at + 2 + math.floor(flags / 2) % 2 * 6
  if flags % 8 >= 4 then
    local headers = string.byte(raw, at)
    at = at + 1
    for _ = 1, 2 * headers do skip() end
  end
  local keys, labels = {}, string.byte(raw, at)
  at = at + 1
  for i = 1, labels do
    local from = at
    skip()
    skip()
    keys[i] = P .. 'label:' .. string.sub(redis.sha1hex(string.sub(raw, from, at - 1)), 1, 16)
  end
  return keys
end

-- The same; none of a record that is truncated.
local function label_keys(raw, at)
  local whole, keys = pcall(find_label_keys, raw, at)
  return whole and keys or {}
end

-- The same of a task, as its record is stored: with its body, until it succeeded or was cancelled.
local function label_keys_of(id, t)
  local state = string.sub(t.raw, 2, 2)
  local dropped = state == 'k' or state == 'c'
  return label_keys(call('GETRANGE', P .. 'task:' .. id, 0, dropped and -1 or -1 - t.body), AT.mask + 1)
end
