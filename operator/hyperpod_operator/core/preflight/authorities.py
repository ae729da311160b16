"""Which certificate authorities an EKS cluster has: by them two clusters are told apart."""

import base64
import binascii
import hashlib
from collections.abc import Iterator

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def authorities(pem: str) -> frozenset[str]:
    """SHA-256 of each certificate of a text in PEM; empty where it holds none."""
    return frozenset(hashlib.sha256(one).hexdigest() for one in _certificates(pem))


def _certificates(pem: str) -> Iterator[bytes]:
    for part in pem.split(BEGIN)[1:]:
        content, end, _ = part.partition(END)
        try:
            certificate = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        if end and certificate:
            yield certificate


# [assumption: preflight-eks-authority]
def another_cluster(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether these are the authorities of two clusters; false while one of them is not known."""
    return bool(ours and theirs) and not ours & theirs
