"""What one row of the table of assumptions has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One thing that is believed about AWS, and on which a decision rests."""

    id: str
    """Name by which code cites the row."""
    belief: str
    """What is assumed, as a sentence about AWS."""
    source: str
    """How we know, one or more of `LIVE: where`, `DOC: where`, `MODEL: where`, `SRC: where` and `INF: why`, separated
    by `; `. LIVE was recorded on AWS, DOC is AWS's documentation, MODEL the API model that botocore ships, SRC public
    source code that works with AWS, INF our inference."""
    if_false: str
    """What goes wrong, or does not, when AWS answers otherwise."""
    tests: tuple[str, ...] = ()
    """Tests of the other answer, as `path below tests/::name`."""
    untested: str = ""
    """Why no test covers the other answer; set exactly when `tests` is empty."""
    switches: tuple[str, ...] = ()
    """Options of the AWS simulator that give the other answer. Names for the reader; no decision uses them."""
