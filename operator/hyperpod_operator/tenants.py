"""The tenants list as a file: read once at start, and rejected as a whole if any of it is invalid."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

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
        found = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TenantsError(f"The tenants list {path} cannot be read: {error}") from error
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


def _tenant(entry: dict[str, list[str]]) -> Tenant:
    return Tenant.of(entry.pop("namespaces"), {Matter(name): texts for name, texts in entry.items()})
