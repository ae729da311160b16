-- Any new value asks for a pass now; status.lastHandledReconcileAt repeats it when it is done.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["hyperpod-operator.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
