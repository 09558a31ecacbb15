-- prove: functions shared by the checks of `check`. Arguments begin at FIRST. Each proof is a function of `proofs`, by the word that asks
-- for it.
-- What must be counted at one moment has the budget of any script; asked for exactness, some 50,000 records' worth, 200 ms of Redis' CPU.
--@include lib/budget
local FIRST, RECORD_COST = 4, 3
local mend = string.sub(ARGV[2], 1, 1) == '1'
if string.sub(ARGV[2], 2) == 'x' then budget_left = 50000 * RECORD_COST end
local findings, facts, proofs = {}, {}, {}

local function find(kind, key, detail)
  findings[#findings + 1], findings[#findings + 2], findings[#findings + 3] = kind, key, detail
  return mend
end

local function number(n)
  return n and string.format('%.17g', n) or 'none'
end

-- Whether `tidy` still has this to do.
local function draining(item)
  return call('LPOS', P .. 'drain', item) and true or false
end

local function base_of(n, gen)
  return P .. 'queue:' .. n .. '.' .. gen .. ':'
end
