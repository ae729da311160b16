"""Volumes on nodes that are drained: the claims that have to detach theirs before a node ends, in words for messages.

The Node asks them (`marks.Marks.detach`), whoever drains it. What a claim does then is in `core.volume.attachment`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from hyperpod_operator.core.text import listed

ClaimsOnNodes = Callable[[str], Awaitable[Mapping[str, tuple[str, ...]]]]
"""namespace/name of the EBSVolumeClaims with a volume on the cluster of this ARN, by instance id. Raises
KubernetesError."""
NAMED = 3
"""Claims that a message names before it counts the rest."""


def named(claims: Sequence[str]) -> str:
    return listed(claims, most=NAMED, separator=", ", rest=" ")


def look_at(claims: Sequence[str]) -> str:
    """Where to read what a claim that was asked to detach waits for."""
    namespace, _, name = claims[0].partition("/")
    return f"What a claim waits for is in its status: kubectl describe evc {name} -n {namespace}."


def suspend(claims: Sequence[str]) -> str:
    """What to do about claims that nothing asks, because their instance has no Node in Kubernetes."""
    namespace, _, name = claims[0].partition("/")
    return (
        "The instance has no Node in Kubernetes, by which the operator asks claims to detach. Detach each: kubectl "
        f'patch evc {name} -n {namespace} --type=merge -p \'{{"spec":{{"attachment":{{"suspend":true}}}}}}\'.'
    )
