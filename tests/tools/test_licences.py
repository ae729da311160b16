"""What the image carries may be given away with it, and the page that says so is up to date."""

import re
from pathlib import Path

from tools.docs.licences import licences, packages, page

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"

PERMISSIVE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0"}
COPYLEFT = {"certifi": "MPL-2.0"}
"""Reciprocal for its own files only; certifi is data that nobody here changes."""


def test_every_licence_is_permissive_or_looked_at() -> None:
    odd = {
        name: said
        for name, said in licences(LOCK).items()
        if not set(re.split(r" (?:AND|OR) ", said)) <= PERMISSIVE and COPYLEFT.get(name) != said
    }
    assert odd == {}


def test_the_page_names_what_the_lock_has() -> None:
    assert page(LOCK) == (ROOT / "docs" / "licences.md").read_text(), "run `make chart` and commit docs/licences.md"


def test_every_package_of_a_lock_is_found(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(
        "click==8.0 \\\n    --hash=sha256:0\npy-yaml.x==1 ; python_version < '3.12' \\\n    --hash=sha256:1\n"
    )
    assert list(packages(lock)) == ["click", "py-yaml.x"]
