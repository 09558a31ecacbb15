-- forget_series: the series of a queue that is deleted. KEYS are the configuration's.
local function forget_series(n)
  call('DEL', P .. 'series:' .. n .. ':m', P .. 'series:' .. n .. ':h')
  call('ZREM', P .. 'series', n)
end
