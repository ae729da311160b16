"""Leases: the operator's service account writes the one that it elects by, and one for each volume.

All are in its own namespace. Other controllers elect their leaders by Leases, too: without theirs they stop, or two
of them work at the same time.
"""

from hyperpod_operator.api.admission.manifests import cel
from hyperpod_operator.api.admission.service_account import WRITTEN, Manifest, ServiceAccount, holding, validation

NAME = "hyperpod-operator-leases"

_OF_A_VOLUME = "variables.written.metadata.name.matches('^vol-[0-9a-f]+$')"
_TIES = (".metadata.?ownerReferences.orValue([])", ".metadata.?finalizers.orValue([])")
_UNTIED = " && ".join(f"object{tie} == (request.operation == 'UPDATE' ? oldObject{tie} : [])" for tie in _TIES)


def leases(account: ServiceAccount) -> list[Manifest]:
    elects = f"variables.written.metadata.name == {cel(account.lease)}"
    return holding(
        account,
        name=NAME,
        group="coordination.k8s.io",
        resource="leases",
        variables=[WRITTEN],
        validations=[
            validation(
                f"request.namespace == {cel(account.namespace)} && ({elects} || {_OF_A_VOLUME})",
                f"the operator writes these Leases in the namespace {account.namespace} alone: {account.lease}, and "
                "one for each volume (vol-*)",
            ),
            validation(
                f"request.operation != 'DELETE' || {_OF_A_VOLUME}", "the operator deletes the Leases of volumes alone"
            ),
            validation(
                f"request.operation == 'DELETE' || ({_UNTIED})",
                "the operator changes no owner references and finalizers of a Lease",
            ),
        ],
    )
