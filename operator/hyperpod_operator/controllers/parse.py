"""From a stored object of any kind to its spec and status, or to the reason why not."""

import logging
from typing import TypeVar, cast

from pydantic import ValidationError

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.text import listed, plain

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=Model)

REQUEST_MOST = 1024
"""Longest annotation value that is echoed in status."""


class InvalidSpecError(Exception):
    """The spec passed the API server and still cannot be read; the message lists what is wrong where."""


def parse_spec(stored: StoredObject, model: type[ModelT]) -> ModelT:
    """Raises InvalidSpecError. The API server's schema refuses most of this; an older CRD may not."""
    try:
        return model.model_validate(stored.body.get("spec") or {})
    except ValidationError as error:
        raise InvalidSpecError(problems(error)) from None


def parse_spec_with_unknown(stored: StoredObject, model: type[ModelT]) -> tuple[ModelT, tuple[str, ...]]:
    """The spec, and the paths of the first members that its model does not know. Raises InvalidSpecError."""
    try:
        return model.model_validate(stored.body.get("spec") or {}, extra="forbid"), ()
    except ValidationError:
        return parse_spec(stored, model), unknown_members(model, stored.body.get("spec"))


def parse_status(stored: StoredObject, model: type[ModelT]) -> ModelT:
    """The stored status; one that cannot be read counts as empty, which makes every decision more careful."""
    found = stored.body.get("status")
    if not found:
        # Makes no validator of the status: that takes a command longer than a call to AWS.
        return cast(ModelT, model.model_construct())
    try:
        return model.model_validate(found)
    except ValidationError as error:
        logger.warning(
            "status of %s cannot be parsed and is rebuilt from AWS: %s", stored.key, problems(error, of="status")
        )
        return model()


def status_is_readable(stored: StoredObject, model: type[Model]) -> bool:
    """Whether an empty status means that nothing was stored."""
    try:
        model.model_validate(stored.body.get("status") or {})
    except ValidationError:
        return False
    return True


def reconcile_requested_at(stored: StoredObject) -> str:
    """The value by which a person asks for a pass, as it is echoed in status; empty without one."""
    return plain(stored.annotations.get(RECONCILE_REQUESTED_AT, ""))[:REQUEST_MOST]


def problems(error: ValidationError, *, of: str = "spec", most: int = 5) -> str:
    """Path and message of the first problems of a part of an object. Values stay out: they may be long, or secret."""
    problems = [
        f"{of}.{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_url=False)
    ]
    return listed(problems, most=most)
