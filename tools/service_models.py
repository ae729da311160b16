"""Reduces botocore's models of EC2 and SageMaker to the operations that the IAM policies name.

`make chart` writes the reduced models that the operator carries (aws/models.py):

    python3 -m tools.service_models operator/hyperpod_operator/aws/models docs/iam/*.json

While the image is built, botocore's own are reduced, too:

    python3 tools/service_models.py SITE_PACKAGES/botocore/data docs/iam/*.json

A process that only needs a part of a service pays for all of its model otherwise: time at every start, and memory. The
policies are the list because contract tests hold them to the calls in the code. Models are data files that botocore
documents as such (botocore, `loaders.py`: search path and layout).
"""

import gzip
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SERVICES = ("ec2", "sagemaker")
"""Services whose IAM actions have the names of the API's operations, and whose models are large."""


def actions(policies: Iterable[Path], *, service: str) -> frozenset[str]:
    """The actions of a service in these policies, without its prefix."""
    statements = (one for path in policies for one in json.loads(path.read_text())["Statement"])
    listed = (one["Action"] if isinstance(one["Action"], list) else [one["Action"]] for one in statements)
    parts = (action.partition(":") for group in listed for action in group)
    return frozenset(action for prefix, _, action in parts if prefix == service)


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


def reduce(data: Path, *, policies: Iterable[Path]) -> None:
    """Rewrite the newest model of each service, and delete its older versions. `data` is botocore's directory."""
    given = tuple(policies)
    for service in SERVICES:
        *older, newest = sorted(path for path in (data / service).iterdir() if path.is_dir())
        for version in older:
            shutil.rmtree(version)
        path = newest / "service-2.json.gz"
        model = reduced(json.loads(gzip.decompress(path.read_bytes())), operations=actions(given, service=service))
        path.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def carried(model: Mapping[str, Any], *, operations: frozenset[str]) -> str:
    """The text of a reduced model without its documentation, an operation and a shape a line."""
    part = {name: _undocumented(value) for name, value in reduced(model, operations=operations).items()}
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
    """Write SERVICE.json for each service, from the botocore that is installed."""
    from botocore.loaders import Loader

    given = tuple(policies)
    for service in SERVICES:
        model = Loader().load_service_model(service, "service-2")
        (folder / f"{service}.json").write_text(carried(model, operations=actions(given, service=service)))


if __name__ == "__main__":
    folder, *policies = map(Path, sys.argv[1:])
    (reduce if folder.name == "data" else carry)(folder, policies=policies)
