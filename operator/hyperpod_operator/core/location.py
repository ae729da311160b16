"""Where a pass looks, and where what it is about lies.

An operator that was started with another Region or another account sees none of its clusters. It must not take that
for their end: it would create them again, or release an object whose nodes run on.
"""

import re
from dataclasses import dataclass

ARN = re.compile(r"arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Partition, Region and account; an empty member is unknown, or the service has none (IAM has no Region)."""

    partition: str = ""
    region: str = ""
    account: str = ""

    def differences(self, other: "Location") -> tuple[str, ...]:
        """Names of the members that both know and that are not the same."""
        names = ("partition", "region", "account")
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in names)
        return tuple(name for name, mine, theirs in pairs if mine and theirs and mine != theirs)

    def __str__(self) -> str:
        return ", ".join(
            f"{word} {value}"
            for word, value in (("partition", self.partition), ("Region", self.region), ("account", self.account))
            if value
        )


NOWHERE = Location()
"""Nothing is known."""


def location_of(arn: str | None) -> Location:
    """What an ARN says; NOWHERE for anything else."""
    found = ARN.match(arn or "")
    return Location(**{name: found[name] for name in ("partition", "region", "account")}) if found else NOWHERE
