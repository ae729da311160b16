"""Which kind of document it is, and the clusters in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperpod_operator.api.names import GROUP
from hyperpod_operator.core.export import cloudformation, terraform
from hyperpod_operator.core.export.cloudformation import Context
from hyperpod_operator.core.export.members import key, member
from hyperpod_operator.core.export.model import DocumentError, LeftOut, Note, Source, brief
from hyperpod_operator.core.location import location_of

OF_A_CLUSTER = frozenset({"instancegroups", "restrictedinstancegroups", "clustername", "orchestrator", "vpcconfig"})
"""Members of CreateCluster that no other document has at its top."""
KNOWN = (
    "a CreateCluster request, the answer of describe-cluster, a CloudFormation template, the answer of "
    "list-stack-resources, the output of terraform show -json, or a Terraform state file"
)


def sources(document: Any, *, context: Context, label: str, name: str) -> Iterator[Source | LeftOut]:
    """The clusters of one document; `name` is for a cluster that it does not name. Raises DocumentError."""
    if isinstance(document, list) and document:
        for number, item in enumerate(document):
            yield from sources(item, context=context, label=f"{label}, item {number}", name=f"{name}-{number}")
        return
    if not isinstance(document, Mapping):
        raise DocumentError(f"it has no members; expected {KNOWN}")
    if cloudformation.is_template(document):
        yield from cloudformation.sources(document, context=context, label=label)
    elif terraform.is_shown(document) or terraform.is_state(document):
        yield from terraform.sources(document, label=label)
    elif OF_A_CLUSTER & {key(str(found)) for found in document}:
        yield _request(document, context=context, label=label, name=name)
    else:
        raise DocumentError(_unknown(document))


def _request(document: Mapping[str, Any], *, context: Context, label: str, name: str) -> Source:
    """A CreateCluster request, or what describe-cluster printed."""
    arn = member(document, "clusterarn")
    place = location_of(arn if isinstance(arn, str) else "")
    shown = member(document, "clusterstatus") is not None
    notes: tuple[Note, ...] = ()
    if shown and member(document, "tags") is None:
        text = "left out: describe-cluster does not print them, so the operator does not manage them"
        notes = (Note(path="spec.tags", text=text),)
    return Source(
        label=label,
        members=document,
        name=name,
        region=place.region or context.region,
        account=place.account or context.account,
        notes=notes,
        shown=shown,
    )


def _unknown(document: Mapping[str, Any]) -> str:
    if str(document.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return f"it is a {brief(document.get('kind'))} manifest already"
    if member(document, "clustersummaries") is not None:
        return "it is a list of names without members: use --all, or name the clusters"
    if "terraform_version" in document or "format_version" in document:
        return "it is no Terraform state that this version reads: give the output of terraform show -json"
    members = ", ".join(sorted(str(found) for found in document)) or "none"
    return f"it is none of the documents that export reads; expected {KNOWN}. Members: {brief(members)}"
