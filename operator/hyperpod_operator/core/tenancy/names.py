"""What a spec or a request names that is held to a tenant's lists: a walk along the rows of `matters`, no other member.

The rows are folded into a tree once, so the walk costs as much as the held members are many, however large the rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from urllib.parse import unquote

from hyperpod_operator.core.tenancy.matters import (
    CLUSTER_SPEC,
    UPDATE_SOFTWARE,
    VOLUME_CLAIM_SPEC,
    Below,
    Classification,
    Held,
    Matter,
    NodeKey,
    Open,
    TagKey,
)

ITEM, KEY = "[]", "<key>"
Row = Held | Below | TagKey | NodeKey
Tree = dict[str, "Tree | Row"]


@dataclass(frozen=True, slots=True)
class Named:
    """Something that is named: where, and to which list it is held. Without `matter` only its form is judged, and
    `fault` says what is wrong with that."""

    path: str
    value: str
    matter: Matter | None = None
    fault: str = ""


def names_of_cluster(spec: Mapping[str, Any], *, path: str = "spec") -> tuple[Named, ...]:
    """What the spec of a HyperPodCluster names, or a request of CreateCluster and its like in the same vocabulary."""
    return tuple(_named(spec, _CLUSTER, path))


def names_of_claim(spec: Mapping[str, Any]) -> tuple[Named, ...]:
    """What the spec of an EBSVolumeClaim names."""
    return tuple(_named(spec, _CLAIM, "spec"))


def escape(uri: str) -> str:
    """Why a path could lead out of where it seems to be; empty when it cannot.

    Object keys are plain text to S3, but whoever copies them to a disk may resolve them as a path.
    """
    rest = uri.partition("://")[2] or uri
    segments = unquote(rest).split("/")
    if any(segment in {".", ".."} for segment in segments):
        return "it has a segment `.` or `..`"
    if any(not segment for segment in segments[:-1]):
        return "it has an empty segment"
    return ""


def reserved(key: str, prefixes: Iterable[str]) -> str:
    """The prefix by which a tag key is reserved, whatever its case; empty when it is free.

    IAM compares the keys of `aws:ResourceTag/...` without case, so another spelling would pass for the operator's own
    ("Tag keys", IAM user guide, "Controlling access to AWS resources using tags").
    """
    # [assumption: iam-tag-keys-without-case]
    folded = key.casefold()
    return next((prefix for prefix in prefixes if folded.startswith(prefix)), "")


def _named(value: Any, tree: Tree | Row, path: str) -> list[Named]:
    found = list[Named]()
    _collect(value, tree, path, found)
    return found


def _collect(value: Any, tree: Tree | Row, path: str, found: list[Named]) -> None:
    """One list for the whole walk: a generator for each member would pass every name on through all those above it."""
    if isinstance(tree, dict):
        if isinstance(value, Mapping):
            if isinstance(row := tree.get(KEY), NodeKey):
                found.extend(_labels(value, row, path))
            for member, below in tree.items():
                if (held := value.get(member)) is not None:
                    _collect(held, below, f"{path}.{member}", found)
        elif isinstance(value, list | tuple) and ITEM in tree:
            for number, item in enumerate(value):
                _collect(item, tree[ITEM], f"{path}[{_name(item, number)}]", found)
    elif isinstance(value, str):
        name = _judged(value, tree, path)
        if name is not None:
            found.append(name)


def _labels(labels: Mapping[str, Any], row: NodeKey, path: str) -> Iterator[Named]:
    for key, value in labels.items():
        named = _judged(key, row, path)
        if named is not None:
            yield named
        elif row.matter is not None and _is_below(key, row.held):
            yield Named(path, f"{key}={value}", row.matter)


def _is_below(key: str, domains: Iterable[str]) -> bool:
    """Whether the key's prefix is one of these domains or below one."""
    domain = key.rpartition("/")[0].casefold()
    return any(domain == held or domain.endswith(f".{held}") for held in domains)


def _judged(value: str, row: Row, path: str) -> Named | None:
    match row:
        case Held(matter=Matter.SOURCE_S3_URIS as matter):
            return Named(path, value, matter, fault=escape(value))
        case Held(matter=matter, free=free):
            return None if value in free else Named(path, value, matter)
        case Below():
            fault = "it begins with a slash" if value.startswith("/") else escape(value)
            return Named(path, value, fault=fault) if fault else None
        case TagKey(reserved=prefixes):
            prefix = reserved(value, prefixes)
            return Named(path, value, fault=f"tag keys under {prefix} are reserved") if prefix else None
        case NodeKey(reserved=prefixes):
            prefix = reserved(value, prefixes)
            return Named(path, value, fault=f"keys on nodes under {prefix} are the operator's") if prefix else None
        case _:
            assert_never(row)


def _name(item: Any, number: int) -> str:
    name = item.get("instanceGroupName") if isinstance(item, Mapping) else None
    return str(name) if name else str(number)


def _tree(rows: Mapping[str, Classification]) -> Tree:
    made: Tree = {}
    for path, row in rows.items():
        if isinstance(row, Open):
            continue
        *above, last = path.replace(ITEM, f".{ITEM}").split(".")
        below = made
        for member in above:
            found = below.setdefault(member, {})
            if not isinstance(found, dict):
                raise AssertionError(f"{path} is below a member that is held itself")
            below = found
        below[last] = row
    return made


_CLUSTER = _tree({**CLUSTER_SPEC, **UPDATE_SOFTWARE})
_CLAIM = _tree(VOLUME_CLAIM_SPEC)
