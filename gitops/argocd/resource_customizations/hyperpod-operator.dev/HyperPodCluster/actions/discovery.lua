local paused = false
if obj.spec.management ~= nil and obj.spec.management.paused ~= nil then
  paused = obj.spec.management.paused
end
local waits = false
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, one in ipairs(obj.status.conditions) do
    if one.type == "PlanApproved" and one.status == "False" and one.reason ~= "PlanOnly" then
      waits = true
    end
  end
end
return {
  ["pause"] = { ["disabled"] = paused },
  ["resume"] = { ["disabled"] = not paused },
  ["approve"] = { ["disabled"] = not waits },
  ["reconcile"] = {},
}
