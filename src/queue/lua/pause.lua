-- pause PAUSED: 1 stops the claims, 0 lets them go on
even_when_full()
if ARGV[2] == '1' then
  redis.call('SET', paused, 1)
else
  redis.call('DEL', paused)
  wake()
end
