-- Approves the plan that status shows. An admission policy asks for the verb `approve` on the resource.
local plan = obj.status ~= nil and obj.status.plan or nil
if plan ~= nil and (plan.state == "Pending" or plan.state == "Stale") then
  if obj.metadata.annotations == nil then
    obj.metadata.annotations = {}
  end
  obj.metadata.annotations["hyperpod-operator.dev/approve-plan"] = plan.digest
end
return obj
