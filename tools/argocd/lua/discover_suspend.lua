local suspended = obj.spec.suspend ~= nil and obj.spec.suspend
local actions = {
  ["pause"] = { ["disabled"] = suspended },
  ["resume"] = { ["disabled"] = not suspended },
  ["reconcile"] = {},
}
