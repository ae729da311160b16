"""docs/licences.md: under which licence each package of the image is.

The names come from the lock, the licences from what each package says of itself. Versions are in the lock.
"""

import re
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

HEAD = """\
# Licences of what the image carries

<!-- Generated from requirements.lock by `make chart`. -->

The operator is under [Apache-2.0](../LICENSE). Its image has Python and these packages; their versions are in
[requirements.lock](../requirements.lock), and `make sbom` writes all of it as a bill of materials.

| Package | Licence |
|---|---|"""

SPELT_OTHERWISE = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil, by its classifiers and LICENSE file
}
"""What packages call their licence, where it is not the SPDX expression."""


def licences(lock: Path) -> dict[str, str]:
    """SPDX expression by package; what the package says where that is none. Raises PackageNotFoundError."""
    return {name: _licence(name) for name in packages(lock)}


def packages(lock: Path) -> Iterator[str]:
    """The names in a lock, in its order."""
    yield from re.findall(r"^([A-Za-z0-9_.-]+)==", lock.read_text(), re.MULTILINE)


def page(lock: Path) -> str:
    rows = (f"| {name} | {licence} |" for name, licence in licences(lock).items())
    return "\n".join([HEAD, *rows, ""])


def _licence(name: str) -> str:
    found = metadata(name)
    said = str(found.json.get("license_expression") or found.json.get("license") or "").strip().split("\n")[0]
    return SPELT_OTHERWISE.get(said, said)
