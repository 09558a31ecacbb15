-- record: where the fields of a task's record are. This is the one table of it: TaskCodec.java follows it too, and RecordTest holds
-- both to it. Offsets count from 0; numbers are big-endian; times are ms since the epoch.
--   offset  bytes  field
--        0      1  version: 1
--        1      1  state: r ready, s scheduled, t retry, a active, k succeeded, d dead, c cancelled
--        2      1  flags: 1 it is being cancelled, 2 it probes a breaker
--        3      1  error
--        4      2  status
--        6      2  attempts
--        8      2  answers: attempts that got a status below 500
--       10      6  claim
--       16      8  worker
--       24      6  due
--       30      6  first: when the first attempt began
--       36      6  ended
--       42      4  queue
--       46      4  gen: the generation of the queue
--       50      2  client_gen
--       52      6  created
--       58      4  retention, in seconds
--       62      4  body: its length
--       66      1  mask
--       67      1  owner_length
--       68         owner
-- The bytes from 1 to 51 are mutable. After the owner, according to the mask, in this order:
--  128  planned(6): when it was to be due, if that was given at its creation; else it was due at once
--    8  28 bytes of a task of Cloud Tasks, whose owner is its queue ('' for short), which moves change too: answers(2) · µs that its due
--       time lies before the ms above(2) · of the attempt begun last: when it was due(6), began(6), ended(6; 0 while it runs), and when
--       a RunTask called for it(6; 0 when none did)
--   16  its name: for how many ms it stays taken after its end(4) · digest(16)
--    1  expires(6)
--    2  own max_concurrent(4)
--    4  retry(21)
--       always: the host and port that it goes to (TargetUrl.hostAndPort), behind their length(2)
--   64  its callback (lib/callback), after its length(2)
--       always: the url after its length(2), and the rest, of which scripts read only labels (lib/labels); last the body
--   32  it has labels
local VERSION, FRONT_LAST = 1, 511
local AT = { state = 1, error = 3, due = 24, queue = 42, created = 52, body = 62, mask = 66, owner = 68 }
local CLOUD, NAMED, LABELED, CALLBACK, NO_GENERATION = 8, 16, 32, 64, 2 ^ 32 - 1
local FIXED = '>Bc1BBI2I2I2I6c8I6I6I6I4I4I2I6I4I4BB'
local CLOUD_FIELDS = '>I2I2I6I6I6I6'
