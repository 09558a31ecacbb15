-- run_now: makes a scheduled or retrying task ready now; the caller serves the queue afterwards.
local function run_now(q, id, t)
  take_out(q, id, t)
  t.state = 'r'
  set_due(t, now)
  write_head(id, t)
  make_ready(q, id, t)
end
