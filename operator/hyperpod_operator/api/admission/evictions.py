"""Pods: the operator's service account evicts, by uid and with the pod's own grace period, and does nothing else.

The Eviction API honors PodDisruptionBudgets. A grace period of zero would end a job without its checkpoint.
"""

from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, holding, validation

NAME = "hyperpod-operator-evictions"


def evictions(account: ServiceAccount) -> list[Manifest]:
    return holding(
        account,
        name=NAME,
        group="",
        resource="pods",
        validations=[
            validation(
                "request.operation == 'CREATE' && request.?subResource.orValue('') == 'eviction'",
                "the operator evicts pods, and neither creates, changes nor deletes them",
            ),
            validation(
                "request.operation == 'DELETE' || dyn(object).?deleteOptions.?preconditions.?uid.orValue('') != ''",
                "the operator evicts a pod by its uid alone",
            ),
            validation(
                "request.operation == 'DELETE' || dyn(object).?deleteOptions.?gracePeriodSeconds.orValue(-1) == -1",
                "the operator evicts pods with their own grace period alone",
            ),
        ],
    )
