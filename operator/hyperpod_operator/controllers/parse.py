"""From a stored object of any kind to its spec and status, or to the reason why not."""

import logging
from copy import deepcopy
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.text import listed, plain

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=Model)

Path = tuple[str | int, ...]
REPAIRS = 5
"""How often a status is read again without what could not be read: what is left may lack a member that it needs."""
REQUEST_MOST = 1024
"""Longest annotation value that is echoed in status."""


class InvalidSpecError(Exception):
    """The spec passed the API server and still cannot be read; the message lists what is wrong where."""


class HalfReadError(InvalidSpecError):
    """A part of the status cannot be read that tells what was done; the message lists which."""


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
    """The stored status, without what cannot be read of it: another release, or others, wrote that."""
    return parse_status_with_lost(stored, model)[0]


def parse_status_with_lost(stored: StoredObject, model: type[ModelT]) -> tuple[ModelT, tuple[Path, ...]]:
    """The status, and the paths of what cannot be read. An empty path is all of it."""
    found, lost = stored.body.get("status"), list[Path]()
    if not found:
        # Makes no validator of the status: that takes a command longer than a call to AWS.
        return cast(ModelT, model.model_construct()), ()
    for attempt in range(REPAIRS):
        try:
            return model.model_validate(found), tuple(lost)
        except ValidationError as error:
            if not attempt:
                words = problems(error, of="status")
                logger.warning(
                    "Parts of the status of %s cannot be parsed, and the operator goes on without them: %s",
                    stored.key,
                    words,
                )
            found, faulty = _without(found, error)
            lost += faulty
    return model(), ((),)


def _without(status: Any, error: ValidationError) -> tuple[Any, list[Path]]:
    """A copy without what is wrong, and the paths of that. Where a member is missing its owner is wrong."""
    kept = deepcopy(status)
    faults = error.errors(include_url=False)
    wrong = {one["loc"][:-1] if one["type"] == "missing" else one["loc"] for one in faults}
    # From the last item of a list to the first: the places of the others stay what they are.
    paths = sorted(wrong, key=lambda path: [(isinstance(part, int), part) for part in path], reverse=True)
    for path in paths:
        if not path:
            return {}, [()]
        _remove(kept, path)
    return kept, paths


def _remove(status: Any, path: Path) -> None:
    """Take the member away, or the deepest one on the way to it that the status has."""
    trail, owner = list[tuple[Any, str | int]](), status
    for part in path:
        if not (part in owner if isinstance(owner, dict) else isinstance(owner, list) and part in range(len(owner))):
            break
        trail.append((owner, part))
        owner = owner[part]
    if trail:
        owner, part = trail[-1]
        del owner[part]


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
