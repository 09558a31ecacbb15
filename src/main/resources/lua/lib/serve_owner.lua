-- serve_owner: the owner whose turn it is gets a slot for its first task, or is parked, or has nothing to start. Heads are read
-- first, bodies only of claimed tasks.
--@include lib/lease
local EXPIRED, HELD_A_TURN = 8, 10

-- The decision on a ready task: 'go' or 'probe', with its host's gate; 'gone', 'over' and how it ends, 'park', 'hold' and for which
-- host.
local function judge(c, id, t)
  if not t then return 'gone' end
  if not c or c.gen ~= t.client_gen then return 'over', 'c' end
  if t.mask % 128 > 0 then
    local expires, own_concurrent = own_settings(t)
    if expires and now >= expires then
      t.error, t.status = EXPIRED, 0
      return 'over', 'd'
    end
    if own_concurrent and c.running >= own_concurrent then return 'park' end
  end
  local host = some_limited and limited_host(id, t)
  if host and room_at(host) == 0 then return 'hold', host end
  local b = some_open and not t.cloud and breaker(host_behind(id, t))
  if b and not ask_breaker(b) then return 'hold', b.host end
  if b then return 'probe', host end
  return 'go', host
end

local function end_turn(q, o)
  if next_id(q, o, slots - #tasks / 2) then to_the_back(q, o) else leave_line(q, o) end
end

local function serve_owner(q, o)
  local c, held = client(o.id), 0
  if c and c.running >= c.max_concurrent then
    park(q, o)
    return
  end
  while spend(2) do
    local id = next_id(q, o, slots - #tasks / 2)
    if not id then break end
    local t = read_some(id)
    local what, detail = judge(c, id, t)
    if what == 'park' then
      park(q, o)
      return
    end
    take(q, o)
    if what == 'go' or what == 'probe' then
      lease(q, c, id, t, detail, what == 'probe')
      end_turn(q, o)
      return
    elseif what == 'over' then
      finish(q, id, t, detail)
      spend(20)
    elseif what == 'hold' then
      hold(q, id, t, detail)
      spend(60)
      held = held + 1
      if held == HELD_A_TURN then -- as much work as a start: others have their turn
        charge(q)
        q.vain, vain_all = (q.vain or 0) + 1, vain_all + 1
        end_turn(q, o)
        return
      end
    end
  end
  if not next_id(q, o, slots - #tasks / 2) then leave_line(q, o) end
end
