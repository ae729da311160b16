"""Which Regions there are, as botocore knows them: a mistyped one must not look like an empty account."""

import difflib
from functools import cache

from botocore.loaders import Loader


@cache
def known_regions() -> frozenset[str]:
    """Of all partitions (botocore's data file `partitions`), without the pseudo Regions such as `aws-global`."""
    partitions = Loader().load_data("partitions")["partitions"]
    return frozenset(name for partition in partitions for name in partition["regions"] if not name.endswith("-global"))


def unknown_region(name: str) -> str | None:
    """What is wrong with the name of a Region, with the nearest ones that exist; None when it is known."""
    known = known_regions()
    if name in known:
        return None
    near = difflib.get_close_matches(name.lower(), sorted(known), n=3, cutoff=0.7)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Region names look like us-west-2."
    return f"{name!r} is not a Region of AWS that this version of the operator knows. {hint}"
