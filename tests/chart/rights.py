"""The rules that a rendered chart binds to its service account, as RBAC reads them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """One verb on one resource. Empty `namespace`: everywhere; empty `name`: of any object."""

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""

    def covers(self, *, group: str, resource: str, verb: str, namespace: str, name: str) -> bool:
        return (
            (self.group, self.resource, self.verb) == (group, resource, verb)
            and self.namespace in ("", namespace)
            and self.name in ("", name)
        )

    @property
    def is_asked_elsewhere(self) -> bool:
        """Whether only the policies of another installation ask of it, so that no request has it as its verb."""
        return (self.group, self.verb) == ("hyperpod-operator.dev", "approve") and self.resource.endswith("/status")

    def __str__(self) -> str:
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}.{self.group}{f' {self.name}' if self.name else ''}{place}"


def rights(objects: Sequence[Json], *, account: str) -> frozenset[Right]:
    """Everything that the bindings give this service account."""
    roles = {_identity(found): found["rules"] for found in objects if found["kind"] in ("Role", "ClusterRole")}
    return frozenset(
        right
        for found in objects
        if found["kind"] in ("RoleBinding", "ClusterRoleBinding")
        and any(subject["name"] == account for subject in found["subjects"])
        for right in _expanded(roles[_bound(found)], namespace=found["metadata"].get("namespace", ""))
    )


def _identity(role: Json) -> tuple[str, str, str]:
    return role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]


def _bound(binding: Json) -> tuple[str, str, str]:
    reference = binding["roleRef"]
    namespace = binding["metadata"].get("namespace", "") if reference["kind"] == "Role" else ""
    return reference["kind"], namespace, reference["name"]


def _expanded(rules: Iterable[Json], *, namespace: str) -> Iterator[Right]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames") or ("",):
                        yield Right(group=group, resource=resource, verb=verb, namespace=namespace, name=name)
