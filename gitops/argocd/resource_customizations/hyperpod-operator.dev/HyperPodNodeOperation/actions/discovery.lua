local suspended = obj.spec.suspend ~= nil and obj.spec.suspend
return {
  ["pause"] = { ["disabled"] = suspended },
  ["resume"] = { ["disabled"] = not suspended },
  ["reconcile"] = {},
}
