"""The list of tenants as a file: read once at start, refused as a whole when anything in it is not understood."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hyperpod_operator.core.tenancy import Tenancy, Tenant

Pattern = Annotated[str, Field(min_length=1, max_length=2048)]
Patterns = list[Pattern]


class TenantsError(Exception):
    """The file cannot be used; the message says where and why."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    namespaces: Annotated[Patterns, Field(min_length=1)]
    executionRoles: Patterns | None = None
    kmsKeys: Patterns | None = None
    sourceS3Uris: Patterns | None = None
    regions: Patterns | None = None
    clusters: Patterns | None = None
    volumes: Patterns | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenants: list[_Entry]


def read_tenants(path: Path) -> Tenancy:
    """Raises TenantsError. A list that is misread would let through what it should keep out."""
    try:
        found = _File.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TenantsError(f"The list of tenants {path} cannot be read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise TenantsError(f"The list of tenants {path} is not understood: {problems}") from error
    return Tenancy(tenants=tuple(_tenant(entry) for entry in found.tenants))


def _tenant(entry: _Entry) -> Tenant:
    return Tenant(
        namespaces=tuple(entry.namespaces),
        execution_roles=_patterns(entry.executionRoles),
        kms_keys=_patterns(entry.kmsKeys),
        source_s3_uris=_patterns(entry.sourceS3Uris),
        regions=_patterns(entry.regions),
        clusters=_patterns(entry.clusters),
        volumes=_patterns(entry.volumes),
    )


def _patterns(found: Patterns | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)
