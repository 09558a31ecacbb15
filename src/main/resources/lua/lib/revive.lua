-- revive: restarts a dead task, with its attempts reset. False when its client was deleted. An auto-registered client is
-- forgotten a day after its last task, its dead tasks are kept for longer: it becomes known again, also beyond the limit of such
-- clients, as an accepted task is never refused.
--@include lib/stranger
local function revive(q, id, t)
  local c = client(t.owner) or stranger(t.owner)
  if c.on == 'x' then return false end
  spend(70)
  call('ZREM', P .. 'queue:' .. q.n .. ':dead', id)
  call('ZREM', P .. 'retire', id)
  count_dead(q, id, -1)
  call('DEL', P .. 'task:' .. id .. ':log')
  t.state, t.flags, t.error, t.status, t.attempts, t.answers, t.first, t.ended = 'r', 0, 0, 0, 0, 0, 0, 0
  t.worker, t.gen, t.client_gen = NOBODY, q.gen, c.gen
  if t.mask % 128 >= CALLBACK then t.claim = t.claim + 1 end -- its next end is another, though it be never claimed
  set_due(t, now)
  if t.cloud then
    t.responses, t.last_due, t.last_began, t.last_ended = 0, 0, 0, 0
    list(id, t, now)
  end
  write_head(id, t)
  count_live(t.owner, 1, t.body)
  make_ready(q, id, t)
  return true
end
