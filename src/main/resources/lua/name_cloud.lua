-- name_cloud: gives the name of a queue of Cloud Tasks its number. KEYS here are the configuration's.
-- ARGV   now, name, ms that the name of a deleted queue stays reserved
-- REPLY  word ('named'; 'recent': a queue of this name was deleted not long ago; 'dying': its deletion is not done yet), number
--@include lib/base
call('DEL', KEYS[2]) -- a removal first: let through when memory is full
local name, taken_ms = ARGV[2], tonumber(ARGV[3])
local n = call('HGET', P .. 'queues', name)
if n then return { call('HGET', P .. 'queues:dying', name) == n and 'dying' or 'named', tonumber(n) } end
local deleted = tonumber(call('ZSCORE', P .. 'queues:deleted', name))
if deleted and now - deleted < taken_ms then return { 'recent', 0 } end
n = call('INCR', P .. 'queues:last')
call('HSET', P .. 'queues', name, n)
call('INCR', P .. 'version')
return { 'named', tonumber(n) }
