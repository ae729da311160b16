if obj.spec.management == nil then
  obj.spec.management = {}
end
obj.spec.management.paused = true
return obj
