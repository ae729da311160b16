"""The tag by which an owner is known once its uid is not: namespace and name, within what AWS takes."""

import hashlib

from hyperpod_operator.core.ports import Key

_DIGEST = 32
"""Hexadecimal digits: nobody finds a second name of the same digest."""


def owner_tag(key: Key, *, most: int) -> str:
    """`namespace/name`. A longer one ends with the digest of the whole: by its beginning alone two owners would be one.

    No name of Kubernetes has an underscore, so no name reads like a digest.
    """
    whole = str(key)
    if len(whole) <= most:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
    return f"{whole[: most - _DIGEST - 1]}_{digest}"
