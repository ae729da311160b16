"""What status says of an adoption, the same for clusters and claims."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, Timestamp
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.words import Fingerprint, Line


class Adoption(Model):
    """What adopting the cluster will change, announced before it is done."""

    fingerprint: Fingerprint | None = Field(default=None, description="Digest of the announced changes.")
    announcedAt: Timestamp | None = Field(default=None, description="When they were announced, as RFC 3339.")
    changes: Annotated[list[Line], Field(max_length=50, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The changes, one line each, up to 50."
    )
