"""Labels that a selector asks for, and no Node has: what may have been meant."""

from collections.abc import Collection, Mapping

from hyperpod_operator.core.text import listed

VALUES_MOST = 5


def other_values(wanted: Mapping[str, str], nodes: Collection[Mapping[str, str]]) -> str:
    """Of the first label that no node has with this value: which values the nodes have, as a part of a sentence. An
    instance type without its prefix is seen next to the right one. Empty where nothing is known of the label."""
    for key, value in sorted(wanted.items()):
        have = sorted({labels[key] for labels in nodes if key in labels})
        if have and value not in have:
            return f"no node has {key}={value}, they have {listed(have, most=VALUES_MOST, separator=', ', rest=' ')}"
    return ""
