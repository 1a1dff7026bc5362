-- tidy AFTER UPTO ID...: forgets those behind another that are not among the ids, of AFTER to UPTO
local kept, gone = {}, {}
for i = 4, #ARGV do kept[ARGV[i]] = true end
for _, id in ipairs(redis.call('ZRANGEBYLEX', behind, '(' .. ARGV[2], '[' .. ARGV[3], 'LIMIT', 0, 1500)) do
  if not kept[id] and #gone < 1000 then gone[#gone + 1] = id end
end
if #gone > 0 then redis.call('ZREM', behind, unpack(gone)) end
