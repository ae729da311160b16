-- Health by the conditions that the operator sets (kstatus): the same answer as kubectl wait, Flux and Helm would get.
-- One look for each type, in this order: a Ready=False beside a Stalled=True must not hide it.
local function condition(kind)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, one in ipairs(obj.status.conditions) do
      if one.type == kind then
        return one
      end
    end
  end
  return { status = "Unknown", message = "Waiting for the operator to look at it." }
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to look at it." }
end
local paused = condition("Paused")
if paused.status == "True" then
  return { status = "Suspended", message = paused.message }
end
local stalled = condition("Stalled")
local approved = condition("PlanApproved")
if stalled.status == "True" and approved.status == "False" and stalled.reason == approved.reason then
  -- Nothing is wrong: changes wait for an approval.
  return { status = "Suspended", message = stalled.message }
end
if stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
local ready = condition("Ready")
if condition("Reconciling").status == "True" then
  return { status = "Progressing", message = ready.message }
end
if ready.reason == "Suspended" then -- by spec.attachment.suspend: nothing goes on until a person ends it
  return { status = "Suspended", message = ready.message }
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
return { status = "Progressing", message = ready.message }
