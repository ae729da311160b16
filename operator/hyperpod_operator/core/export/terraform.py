"""Clusters of a Terraform state: `terraform show -json`, or the state file itself (version 4).

Resource types: awscc_sagemaker_cluster (made from CloudFormation's schema) and aws_sagemaker_cluster. Formats:
Terraform documentation, "JSON Output Format", and the version 4 of the state file. A state has what the provider read
from AWS, whether the configuration chose it or not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperpod_operator.core.export.members import member
from hyperpod_operator.core.export.model import DocumentError, Source, brief
from hyperpod_operator.core.location import location_of

TYPES = frozenset({"awscc_sagemaker_cluster", "aws_sagemaker_cluster"})
STATE_VERSION = 4


def is_shown(document: Mapping[str, Any]) -> bool:
    """Whether it is the output of `terraform show -json`."""
    return "format_version" in document and ("values" in document or "planned_values" in document)


def is_state(document: Mapping[str, Any]) -> bool:
    """Whether it is a state file."""
    return "terraform_version" in document and "version" in document and "lineage" in document


def sources(document: Mapping[str, Any], *, label: str) -> Iterator[Source]:
    """Its clusters. Raises DocumentError when there are none."""
    found = list(_shown(document) if is_shown(document) else _state(document))
    if not found:
        raise DocumentError(f"the state has no {' and no '.join(sorted(TYPES))}")
    for address, attributes in found:
        arn = member(attributes, "clusterarn") or member(attributes, "arn")
        place = location_of(arn if isinstance(arn, str) else "")
        yield Source(
            label=f"{label}, {brief(address)}",
            members={name: value for name, value in attributes.items() if name != "region"},
            name=address,
            region=str(attributes.get("region") or place.region),
            account=place.account,
            shown=True,
        )


def _shown(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    modules = [_mapping(_mapping(document.get("values") or document.get("planned_values")).get("root_module"))]
    while modules:
        module = modules.pop()
        for resource in module.get("resources") or []:
            if _wanted(resource):
                yield str(resource.get("address", resource["type"])), _mapping(resource.get("values"))
        modules += [_mapping(child) for child in reversed(module.get("child_modules") or [])]


def _state(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if document.get("version") != STATE_VERSION:
        raise DocumentError(
            f"the state file has version {brief(document.get('version'))} and not {STATE_VERSION}: give the output of "
            "terraform show -json"
        )
    for resource in document.get("resources") or []:
        if not _wanted(resource):
            continue
        where = f"{resource.get('module', '')}.{resource['type']}.{resource.get('name', '')}".lstrip(".")
        for instance in resource.get("instances") or []:
            index = _mapping(instance).get("index_key")
            address = where if index is None else f"{where}[{brief(index)}]"
            yield address, _mapping(_mapping(instance).get("attributes"))


def _wanted(resource: Any) -> bool:
    return (
        isinstance(resource, Mapping) and resource.get("type") in TYPES and resource.get("mode", "managed") == "managed"
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
