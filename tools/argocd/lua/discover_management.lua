local paused = false
if obj.spec.management ~= nil and obj.spec.management.paused ~= nil then
  paused = obj.spec.management.paused
end
local actions = {
  ["pause"] = { ["disabled"] = paused },
  ["resume"] = { ["disabled"] = not paused },
  ["reconcile"] = {},
}
