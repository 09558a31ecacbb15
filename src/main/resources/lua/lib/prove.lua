-- prove: what the proofs of `check` share. Arguments begin at FIRST. Each proof is a function of `proofs`, by the word that asks for it.
local FIRST, BUDGET = 4, 50000
local mend = ARGV[2] == '1'
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
