"""What every model of the API has in common.

One model serves two uses that pull apart: generating the CRD wants everything strict, reading a stored object
wants tolerance (an older operator meets a newer CRD). So unknown fields are ignored here, and strictness about
them is the API server's job (pruning and strict field validation).
"""

from typing import Self

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen object of the API. Unset is None, and None means that nobody manages the member.

    Validators are built at their first use (`defer_build`): a command starts without those that it never needs.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def or_none(self) -> Self | None:
        """None where no member is set: a status has no empty objects."""
        return self if any(value is not None for _, value in self) else None
