"""`status.preflight` of both kinds: what the checks before a call that creates something said."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, Timestamp
from hyperpod_operator.api.common.model import Model

Word = Annotated[str, Field(max_length=128)]
Line = Annotated[str, Field(max_length=1024)]
Count = Annotated[int, Field(ge=0)]


class PreflightCheck(Model):
    """What one check of preflight said."""

    name: Word = Field(description="Name of the check; docs/preflight.md explains it.")
    group: Word | None = Field(
        default=None,
        description="What it is about: Spec, EKS, Network, Roles, Scripts, Storage, Capacity, Kubernetes or Volume.",
    )
    result: Word = Field(
        description="Warn: look at it; Fail: the call would fail or cost money for nothing; Unknown: what the "
        "check needs could not be read."
    )
    message: Line | None = Field(default=None, description="What was found, where, and what to do.")


class PreflightStatus(Model):
    """The checks before the last call that creates something, or that is to."""

    checkedAt: Timestamp | None = Field(default=None, description="When they ran, as RFC 3339.")
    call: Annotated[str, Field(max_length=512)] | None = Field(
        default=None,
        description="The call that was checked: CreateCluster, UpdateCluster with the groups that it adds and the "
        "instances that it adds to others, or CreateVolume.",
    )
    fingerprint: Word | None = Field(default=None, description="Digest of what was checked.")
    attempts: Count | None = Field(default=None, description="How often in a row the same was checked and failed.")
    passed: Count | None = Field(default=None, description="Checks that passed.")
    warnings: Count | None = Field(default=None, description="Checks that warn.")
    failures: Count | None = Field(default=None, description="Checks that failed.")
    unknown: Count | None = Field(default=None, description="Checks that could not read what they need.")
    # One manager writes it, and always whole: as a map, the API server would keep who owns each member of each item.
    checks: Annotated[list[PreflightCheck], Field(max_length=100, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="What each check said that did not pass: failures first, then warnings and unknown ones.",
    )
