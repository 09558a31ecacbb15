-- audit: adds an entry about a change by an admin; trims the log by number and age. KEYS here are the configuration's.
-- ARGV   now, a word unique to this call, maximum number of entries, ms that one is kept, then its fields: name and value alternately
-- REPLY  'done', also when the same call is repeated
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local log, word, most, kept_ms = P .. 'audit', ARGV[2], ARGV[3], tonumber(ARGV[4])
local last = call('XREVRANGE', log, '+', '-', 'COUNT', 50)
for _, entry in ipairs(last) do
  if entry[2][1] == 'entry' and entry[2][2] == word then return 'done' end
end
local id = now_text .. '-0'
if last[1] then
  local ms, seq = string.match(last[1][1], '^(%d+)%-(%d+)$')
  -- An id must be above the last one, also when the clock was set back.
  if tonumber(ms) >= now then id = ms .. '-' .. text(tonumber(seq) + 1) end
end
call('XADD', log, 'MAXLEN', most, id, 'entry', word, unpack(ARGV, 5))
call('XTRIM', log, 'MINID', text(now - kept_ms))
return 'done'
