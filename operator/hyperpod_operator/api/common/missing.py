"""What was there and is missing from an answer of AWS, until a second look: the same for clusters and claims."""

from pydantic import Field

from hyperpod_operator.api.common.bounds import Timestamp
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.words import Line


class Missing(Model):
    """What AWS showed before and does not show now: looked for again before it is believed."""

    what: Line | None = Field(
        default=None, description="What is missing, for example the cluster, group gpu, or a tag by its key."
    )
    since: Timestamp | None = Field(default=None, description="When it was first missing, as RFC 3339.")
