"""Names of the Kubernetes objects: cluster names made fit, and each one once.

SageMaker's names may have capital letters, and are unique in one Region of one account; an object's name has lower-case
letters and is unique in its namespace. The same clusters get the same names, in whatever order they come.
"""

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from hyperpod_operator.core.export.model import Manifest, Note

NAME_MOST = 63
"""Characters: the length that a label's value takes, too."""
NAMELESS = "cluster"


def kubernetes_name(text: str) -> str:
    """`text` as an RFC 1123 label; NAMELESS if nothing of it can stay."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_MOST].rstrip("-") or NAMELESS


def with_names(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The manifests, each with a name of its own: first by Region where clusters share a name, then by a digest."""
    first = [kubernetes_name(one.cluster_name or one.name) for one in manifests]
    shared = _shared(first)
    second = [
        kubernetes_name(f"{name[: NAME_MOST - 1 - len(one.region)]}-{one.region}")
        if name in shared and one.region
        else name
        for name, one in zip(first, manifests, strict=True)
    ]
    shared = _shared(second)
    third = [
        f"{name[: NAME_MOST - 9]}-{_digest(one)}" if name in shared else name
        for name, one in zip(second, manifests, strict=True)
    ]
    return [
        one.named(name, *_why(one, plain=before, name=name))
        for one, before, name in zip(manifests, first, third, strict=True)
    ]


def _why(manifest: Manifest, *, plain: str, name: str) -> list[Note]:
    called = manifest.cluster_name or manifest.name
    if name != plain:
        return [Note(path="metadata.name", text=f"{name}, because another cluster here would be named {plain}, too")]
    if name != called and called:
        return [Note(path="metadata.name", text=f"{name}, because {called} is no name of a Kubernetes object")]
    return []


def _shared(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name, count in Counter(names).items() if count > 1)


def _digest(manifest: Manifest) -> str:
    identity = (manifest.account, manifest.region, manifest.cluster_name, manifest.label)
    return sha256("\0".join(identity).encode()).hexdigest()[:8]
