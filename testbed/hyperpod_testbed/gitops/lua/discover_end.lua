return actions
