"""Reduces botocore's models to the services that the operator calls and the operations that the IAM policies name.

`make chart` writes them and the table of endpoints (aws/models):

    python3 -m tools.service_models operator/hyperpod_operator/aws/models docs/iam/*.json

A process that only needs a part of a service pays for all of its model otherwise: time at every start, and memory. The
policies are the list because contract tests hold them to the calls in the code. Models are data files that botocore
documents as such (botocore, `loaders.py`: search path and layout).
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SERVICES = ("ec2", "eks", "fsx", "iam", "kms", "pricing", "s3", "sagemaker", "service-quotas", "sts")
"""Services that the operator calls. Their IAM actions have the names of the API's operations."""
CREDENTIALS = ("signin", "sso", "sso-oidc")
"""Services that botocore takes credentials from; they keep their models, and their endpoints are carried."""
PREFIXES = {"service-quotas": "servicequotas"}
"""How IAM writes a service, where that is not botocore's name."""
UNNAMED = {"s3": frozenset({"HeadBucket", "CreateSession"})}
"""Operations that botocore calls by itself: for the Region of a bucket, and for directory buckets (its `utils.py`)."""
CONTEXT = "clientContextParams"
"""Member of a model: the settings of a client that its endpoints depend on."""
WHOLE = frozenset({"sts"})
"""Services of which every operation is kept: GetCallerIdentity needs no right, and credentials come from others."""


def actions(policies: Iterable[Path], *, service: str) -> frozenset[str]:
    """The actions of a service in these policies, without its prefix."""
    statements = (one for path in policies for one in json.loads(path.read_text())["Statement"])
    listed = (one["Action"] if isinstance(one["Action"], list) else [one["Action"]] for one in statements)
    parts = (action.partition(":") for group in listed for action in group)
    named = PREFIXES.get(service, service)
    return frozenset(action for prefix, _, action in parts if prefix == named)


def kept(model: Mapping[str, Any], *, policies: Iterable[Path], service: str) -> frozenset[str]:
    """The operations of a model that the operator carries."""
    if service in WHOLE:
        return frozenset(model["operations"])
    wanted = actions(policies, service=service) | UNNAMED.get(service, frozenset())
    return frozenset(name for name in model["operations"] if name in wanted)


def reduced(model: Mapping[str, Any], *, operations: frozenset[str]) -> dict[str, Any]:
    """The model with these operations alone, and the shapes that they reach. Raises ValueError where it has none."""
    kept = {name: each for name, each in model["operations"].items() if name in operations}
    if not kept:
        raise ValueError(f"the model of {model['metadata']['serviceId']} has none of {sorted(operations)}")
    shapes: dict[str, Any] = {}
    found = list(_shapes(kept))
    while found:
        name = found.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            found.extend(_shapes(shapes[name]))
    return {**model, "operations": kept, "shapes": shapes}


def _shapes(node: Any) -> Iterator[str]:
    """The names of shapes that a part of a model refers to."""
    match node:
        case dict():
            if isinstance(node.get("shape"), str):
                yield node["shape"]
            for each in node.values():
                yield from _shapes(each)
        case list():
            for each in node:
                yield from _shapes(each)


def carried(model: Mapping[str, Any], *, operations: frozenset[str]) -> str:
    """The text of a reduced model without its documentation, an operation and a shape a line."""
    part = _undocumented(reduced(model, operations=operations))
    if CONTEXT in part:
        # botocore takes their documentation for granted (`model.py`, ServiceModel.client_context_parameters).
        part[CONTEXT] = {name: {**value, "documentation": ""} for name, value in part[CONTEXT].items()}
    blocks = {"operations": part.pop("operations"), "shapes": part.pop("shapes")}
    lines = [f"{json.dumps(name)}:{_compact(value)}" for name, value in sorted(part.items())]
    for block, entries in blocks.items():
        inner = ",\n".join(f" {json.dumps(name)}:{_compact(entries[name])}" for name in sorted(entries))
        lines.append(f"{json.dumps(block)}:{{\n{inner}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _undocumented(node: Any) -> Any:
    """Without texts for people: a member of that name is a structure, not a text."""
    if isinstance(node, dict):
        gone = {name for name, value in node.items() if name == "documentation" and isinstance(value, str)}
        return {name: _undocumented(value) for name, value in node.items() if name not in gone}
    return [_undocumented(each) for each in node] if isinstance(node, list) else node


def carry(folder: Path, *, policies: Iterable[Path]) -> None:
    """Write SERVICE.json for each service, and endpoints.json, from the botocore that is installed."""
    from botocore.loaders import Loader

    given, loader = tuple(policies), Loader()
    for service in SERVICES:
        model = loader.load_service_model(service, "service-2")
        text = carried(model, operations=kept(model, policies=given, service=service))
        (folder / f"{service}.json").write_text(text)
    prefixes = frozenset(endpoint_prefix(loader, service) for service in (*SERVICES, *CREDENTIALS))
    (folder / "endpoints.json").write_text(endpoints(loader.load_data("endpoints"), prefixes=prefixes))


def endpoint_prefix(loader: Any, service: str) -> str:
    """The name of a service in the table of endpoints."""
    return str(loader.load_service_model(service, "service-2")["metadata"]["endpointPrefix"])


def endpoints(table: Mapping[str, Any], *, prefixes: frozenset[str]) -> str:
    """The text of a table of endpoints with these services alone, a service a line."""
    partitions = ",\n".join(_partition(each, prefixes=prefixes) for each in table["partitions"])
    return f'{{\n"version":{_compact(table["version"])},\n"partitions":[\n{partitions}\n]\n}}\n'


def _partition(partition: Mapping[str, Any], *, prefixes: frozenset[str]) -> str:
    services = {name: each for name, each in partition["services"].items() if name in prefixes}
    lines = ",\n".join(f"   {json.dumps(name)}:{_compact(each)}" for name, each in sorted(services.items()))
    rest = [f"  {json.dumps(name)}:{_compact(each)}" for name, each in sorted(partition.items()) if name != "services"]
    return " {\n" + ",\n".join([*rest, f'  "services":{{\n{lines}\n  }}']) + "\n }"


if __name__ == "__main__":
    folder, *policies = map(Path, sys.argv[1:])
    carry(folder, policies=policies)
