"""The tenants list as a file: read once at start, and rejected as a whole if any of it is invalid."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from hyperpod_operator.app.documents import InputError, read_text, yaml_documents
from hyperpod_operator.core.tenancy import Matter, Tenancy, Tenant

Pattern = Annotated[str, Field(min_length=1, max_length=2048)]
Patterns = list[Pattern]


class TenantsError(Exception):
    """The file cannot be used; the message says where and why."""


_LISTS: dict[str, Any] = {matter.value: (Patterns | None, None) for matter in Matter}
_Entry = create_model(
    "_Entry",
    __config__=ConfigDict(extra="forbid"),
    namespaces=(Annotated[Patterns, Field(min_length=1)], ...),
    **_LISTS,
)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenants: list[_Entry]


def read_tenants(path: Path) -> Tenancy:
    """Raises TenantsError. A list that is misread would let through what it should keep out."""
    try:
        # As JSON: the problems are said in its words, and not in those of this program's classes.
        found = _File.model_validate_json(json.dumps(_document(path)), strict=True)
    except InputError as error:
        raise TenantsError(f"The tenants list cannot be read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise TenantsError(f"The tenants list {path} is not understood: {problems}") from error
    made = []
    for number, entry in enumerate(found.tenants):
        try:
            made.append(_tenant(entry.model_dump(exclude_none=True)))
        except ValueError as error:
            raise TenantsError(f"The tenants list {path} cannot be used: tenants.{number}.{error}") from error
    return Tenancy(tenants=tuple(made))


def _document(path: Path) -> Any:
    """Of one document. A second one, or a key that stands twice, would hide what an administrator wrote before it."""
    found = yaml_documents(read_text(path), source=str(path))
    if len(found) > 1:
        raise InputError(f"{path} has {len(found)} documents: write one list")
    return found[0] if found else None


def _tenant(entry: dict[str, list[str]]) -> Tenant:
    return Tenant.of(entry.pop("namespaces"), {Matter(name): texts for name, texts in entry.items()})
