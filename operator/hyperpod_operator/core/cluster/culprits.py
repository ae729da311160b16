"""Which groups AWS's words about a refused or failed update name."""

import re
from collections.abc import Mapping

from hyperpod_operator.core.cluster.pass_record import Rejected
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.observed import Json

ABOUT_ROLES = frozenset({ErrorKind.DENIED, ErrorKind.ROLE_PROPAGATION})
"""Refusals that can be about the role of a group. A denial (iam:PassRole) is one only if it names the role."""
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
"""An ARN in AWS's words; a full stop behind it may end the sentence."""


def is_about_a_role(result: Rejected, *, among: frozenset[str]) -> bool:
    """Whether AWS denies the role of a group, and not the call."""
    return result.error.kind in ABOUT_ROLES and bool(culprits(result, among=among))


def culprits(result: Rejected, *, among: frozenset[str]) -> frozenset[str]:
    """Groups that AWS names, by their role where the refusal is about a role."""
    request, message = result.action.request, result.error.message  # type: ignore[union-attr]
    named = _named(message, request=request, among=among)
    return named or (
        _of_role(message, request=request, among=among) if result.error.kind in ABOUT_ROLES else frozenset()
    )


def _named(message: str, *, request: Mapping[str, Json], among: frozenset[str]) -> frozenset[str]:
    """Groups that AWS's words name: in quotes, after the word "group", or by their place in the request."""
    quoted = {name for name in among if name and re.search(naming(name), message)}
    listed = [group["instanceGroupName"] for group in request.get("instanceGroups", [])]
    places = [int(place) - 1 for place in re.findall(r"[iI]nstanceGroups\.(\d+)\.member", message)]
    return frozenset(quoted | {listed[place] for place in places if 0 <= place < len(listed)} & among)


def _of_role(message: str, *, request: Mapping[str, Json], among: frozenset[str]) -> frozenset[str]:
    """Groups whose role AWS's words name by its ARN."""
    named = {found.rstrip(".") for found in ROLE_ARN.findall(message)}
    groups = (*request.get("instanceGroups", []), *request.get("restrictedInstanceGroups", []))
    return frozenset(group["instanceGroupName"] for group in groups if group.get("executionRole") in named) & among


def naming(name: str) -> str:
    """A pattern of words that name a group: after the word "group", or in quotes or brackets."""
    exact = re.escape(name)
    return rf"(?i:\bgroups?\b):?\s+\[?{exact}(?![\w-])|['\"`\[(]{exact}['\"`\])]"
