"""An instance group that is asked for and that the cluster lacks."""

from collections.abc import Iterable

from hyperpod_operator.core.text import listed


def no_group(name: str, *, groups: Iterable[str]) -> str:
    """A sentence without its stop: a misspelt name is seen next to those that there are."""
    known = sorted(groups)
    has = f"it has {listed(known, separator=', ', rest=' ')}" if known else "it has none"
    return f"The cluster has no instance group {name}; {has}"
