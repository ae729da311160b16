"""What is wrong with the spec of a manifest, as far as that shows without an API server."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from hyperpod_operator.api.common.text_rules import Path, text_problems, text_rules
from hyperpod_operator.core.text import listed, plain

SHOWN = 5


def spec_problems(model: type[BaseModel], spec: Mapping[str, Any]) -> str:
    """The first problems with their paths; empty if there is none. A rule that says what to write instead goes before
    the pattern or the length that the same value breaks."""
    found: dict[Path, str] = {}
    try:
        model.model_validate(spec)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            found.setdefault(one["loc"], one["msg"])
    found.update(text_problems(text_rules(model), spec))
    lines = [f"spec.{'.'.join(str(part) for part in path)}: {message}" for path, message in found.items()]
    return plain(listed(lines, most=SHOWN)) if lines else ""
