-- revise: decides that named things are changed, unless another change was decided since they were read. KEYS here are the
--   configuration's.
-- ARGV   now, a word unique to this call, ms before which a decision that was not seen was never carried out, the highest
--        revision that was seen of all things or '', the revision to give or '' for a new one, then for each thing: its field,
--        and the revision that was seen of it: 0 for none, '' for whatever there is
-- REPLY  the revision, also when the same call is repeated; 0 when another change was decided
--@include lib/base
--@include lib/decided
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local revisions, last = P .. 'revisions', P .. 'revisions:last'
local word, lost_ms, whole, given = ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local FIRST = 6
if ARGV[FIRST] then
  local revision, _, by = decided(ARGV[FIRST])
  if by == word then return revision end
end
if whole ~= '' and tonumber(call('GET', last) or 0) ~= tonumber(whole) then return 0 end
for at = FIRST, #ARGV, 2 do
  local seen = tonumber(ARGV[at + 1])
  if seen then
    local revision, decided_ms = decided(ARGV[at])
    if revision > seen and decided_ms >= lost_ms then return 0 end
  end
end
local revision = given or tonumber(call('INCR', last))
for at = FIRST, #ARGV, 2 do
  if decided(ARGV[at]) <= revision then
    call('HSET', revisions, ARGV[at], text(revision) .. ':' .. now_text .. ':' .. word)
    call('HDEL', P .. 'changes', ARGV[at]) -- an earlier one is not finished any more
  end
end
return revision
