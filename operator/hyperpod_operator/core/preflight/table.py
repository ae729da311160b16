"""The table of all checks of a cluster, in the order in which they are shown.

docs/preflight.md is generated from it, and each row has tests that pass, fail and lack rights.
"""

from hyperpod_operator.core.preflight.checks import (
    capacity,
    eks,
    kubernetes,
    network,
    roles,
    scripts,
    security_groups,
    spec,
    storage,
)
from hyperpod_operator.core.preflight.model import Check

# [assumption: preflight-checks-hold]
CLUSTER: tuple[Check, ...] = (
    *spec.CHECKS,
    *eks.CHECKS,
    *network.CHECKS,
    *security_groups.CHECKS,
    *roles.CHECKS,
    *scripts.CHECKS,
    *storage.CHECKS,
    *capacity.CHECKS,
    *kubernetes.CHECKS,
)
