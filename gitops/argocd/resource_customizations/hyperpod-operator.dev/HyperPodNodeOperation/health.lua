-- Health by the conditions that the operator sets (kstatus): the same answer as kubectl wait, Flux and Helm would get.
-- One look for each type, in this order: a Ready=False beside a Stalled=True must not hide it.
local function condition(kind, status)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, one in ipairs(obj.status.conditions) do
      if one.type == kind and one.status == (status or "True") then
        return one
      end
    end
  end
  return nil
end

local function message()
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, one in ipairs(obj.status.conditions) do
      if one.type == "Ready" then
        return one.message
      end
    end
  end
  return "Waiting for the operator to look at it."
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to look at it." }
end
local paused = condition("Paused")
if paused ~= nil then
  return { status = "Suspended", message = paused.message }
end
local stalled = condition("Stalled")
local unapproved = condition("PlanApproved", "False")
if stalled ~= nil and unapproved ~= nil and stalled.reason == unapproved.reason then
  -- Nothing is wrong: changes wait for an approval.
  return { status = "Suspended", message = stalled.message }
end
if stalled ~= nil then
  return { status = "Degraded", message = stalled.message }
end
if condition("Reconciling") ~= nil then
  return { status = "Progressing", message = message() }
end
if condition("Ready") ~= nil then
  return { status = "Healthy", message = message() }
end
return { status = "Progressing", message = message() }
