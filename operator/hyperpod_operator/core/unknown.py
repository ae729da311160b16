"""Members of a spec that this version does not know: a newer definition lets them in."""


def ignored_members(paths: tuple[str, ...]) -> str:
    """What a condition's message adds about them; empty without any."""
    if not paths:
        return ""
    return (
        f" The spec has members that this version of the operator does not know and ignores: {', '.join(paths)}. "
        "Upgrade the operator, or remove them."
    )
