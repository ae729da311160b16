"""How long is waited before the same is tried again: one rule of growth for all kinds."""

DOUBLINGS = 15
"""More change nothing: each pause has a longest length that is reached before."""


def growing(*, first: float, most: float, attempts: int | None) -> float:
    """Seconds: `first` after one attempt, twice as long after each further one, `most` at last."""
    return float(min(first * 2 ** min(max((attempts or 1) - 1, 0), DOUBLINGS), most))
