local waits = false
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, one in ipairs(obj.status.conditions) do
    if one.type == "PlanApproved" and one.status == "False" and one.reason ~= "PlanOnly" then
      waits = true
    end
  end
end
actions["approve"] = { ["disabled"] = not waits }
