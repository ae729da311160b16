if obj.spec.management ~= nil then
  obj.spec.management.paused = nil
  if next(obj.spec.management) == nil then
    obj.spec.management = nil
  end
end
return obj
