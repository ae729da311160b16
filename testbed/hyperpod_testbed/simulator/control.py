"""The control API: `POST /_simulator/<object>.<verb>` with the arguments as a JSON object.

There is nothing here but the way from a name to the method: what verbs there are, and what they take, is written at
the objects that have them.
"""

from collections.abc import Mapping
from typing import Any

from hyperpod_testbed.simulator import codec
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.verbs import is_verb

PREFIX = "/_simulator/"


class UnknownVerbError(LookupError):
    """No object has such a verb."""


class Control:
    """Dispatches verbs to the objects that have them."""

    def __init__(self, objects: Mapping[str, object]) -> None:
        self._objects = dict(objects)

    def verbs(self) -> list[str]:
        """Every verb, as `object.verb`."""
        return sorted(
            f"{name}.{member}"
            for name, found in self._objects.items()
            for member in dir(type(found))
            if is_verb(getattr(type(found), member))
        )

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Do what the name says; ValueError for arguments that do not fit."""
        owner, _, member = name.partition(".")
        found = self._objects.get(owner)
        method = getattr(found, member, None)
        if found is None or not is_verb(method) or method is None:
            raise UnknownVerbError(f"no verb {name}; there are {', '.join(self.verbs())}")
        try:
            values = codec.decode_arguments(getattr(type(found), member), arguments)
            return codec.encode(method(**values))
        except TypeError as error:
            raise ValueError(f"{name}: {error}") from error
        except AwsError as error:
            raise ValueError(f"{name}: {error}") from error
