"""What a HyperPod cluster needs before it exists, as each service shows it: one inventory, and every answer from it.

`resources` says what there is of each kind, `inventory` which of them this account has and how tests change them; the
other modules are the operations, by service. What CreateCluster and the launches check is read from the same inventory.
"""
