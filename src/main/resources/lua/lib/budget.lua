-- budget: how much work one call of a script may do, shared by all that it includes. It is counted in µs of Redis' CPU, roughly: a
-- command that reads costs 2, one that writes 4, a task that moves between states some 40, and a byte that is read or written
-- BYTE_COST. A script that has used it up stops at the next full step and replies that there is more to do.
local BUDGET, BYTE_COST = 2000, 0.003
local budget_left = BUDGET

-- Counts some work, and returns whether there may be more.
local function spend(cost, bytes)
  budget_left = budget_left - cost - (bytes or 0) * BYTE_COST
  return budget_left > 0
end
