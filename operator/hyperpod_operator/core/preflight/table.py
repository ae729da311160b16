"""The table of all checks of a cluster, in the order in which they are shown.

docs/preflight.md is generated from it, and each row has tests that pass, fail and lack rights.
"""

from hyperpod_operator.core.preflight.checks import (
    capacity,
    eks,
    file_systems,
    history,
    kubernetes,
    network,
    roles,
    routes,
    scripts,
    security_groups,
    spec,
    storage,
    training_plans,
)
from hyperpod_operator.core.preflight.model import Check

# [assumption: preflight-checks-hold]
CLUSTER: tuple[Check, ...] = (
    *spec.CHECKS,
    *eks.CHECKS,
    *network.CHECKS,
    *routes.CHECKS,
    *security_groups.CHECKS,
    *roles.CHECKS,
    *scripts.CHECKS,
    *storage.CHECKS,
    *file_systems.CHECKS,
    *capacity.CHECKS,
    *training_plans.CHECKS,
    *history.CHECKS,
    *kubernetes.CHECKS,
)
