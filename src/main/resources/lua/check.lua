-- check: checks atomically the invariants of some tasks, members of sets, owners, queues or clients; repairs them on request.
-- ARGV   now, '1' to repair or '0' (followed by 'x', one count may block Redis for longer), what to check: 'tasks' ids · 'logs' ids ·
--        'members' set, n, gen, owner, ids · 'owners' n, gen, owners · 'parked' client, places · 'generations' n.gen · 'over' n:set ·
--        'queues' n · 'shard' · 'clients' ids · 'count_queues' n · 'count_clients' how many, ids, the n of every queue ·
--        'expiring' keys without their beginning · 'schedules' names · 'label' the index without the keys' common beginning, ids ·
--        'dead', 'dead_index', 'dead_sums' as lib/prove_dead describes
-- REPLY  findings (kind, key, detail, …), facts: for 'tasks' state, n, bytes (of a dead one; 1 of a cancelled one that is kept), bytes
--        of the body and owner of each that is there; for 'schedules' the client of each, or ''; for 'dead' the host and cause of
--        each; for counts 'unproven' when there is too much to count atomically
--@include lib/base
--@include lib/wake
--@include lib/task
--@include lib/labels
--@include lib/host_names
--@include lib/client
--@include lib/queue
--@include lib/turns
--@include lib/cloud
--@include lib/excerpt
--@include lib/prove
--@include lib/prove_tasks
--@include lib/prove_queues
--@include lib/prove_counts
--@include lib/prove_schedules
--@include lib/dead
--@include lib/prove_dead
--@include lib/close
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
proofs[ARGV[3]]()
close()
return { findings, facts }
