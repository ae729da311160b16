"""The command `audit`: are there known vulnerabilities in the versions that we ship?

Asks the database OSV (https://osv.dev, "POST /v1/querybatch" of its API), which has what PyPA's advisory database and
GitHub's have. It is asked directly, by name and version: a tool with fifty packages of its own would be audited next.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from hyperpod_testbed.stack import ROOT

URL = "https://api.osv.dev"
MOST_QUERIES = 1000
"""Queries in one batch (OSV API)."""
MOST_PAGES = 20
PATIENCE = 30.0
VULNERABLE, UNKNOWN = 1, 2
"""Exit codes: something was found; it is not known whether there is something."""
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-otel.lock", ROOT / "requirements-uv.lock")
"""What goes into an image, or installs it."""

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Package:
    """A package of PyPI in one version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class AuditError(RuntimeError):
    """The database did not answer, or what is to be audited cannot be read."""


@click.command()
@click.option("--lock", "locks", type=_FILE, multiple=True, help="Lock to audit; repeatable. Default: the image's.")
@click.option("--sbom", type=_FILE, default=None, help="Audit this bill of materials (CycloneDX, JSON) instead.")
@click.option("--url", default=URL, show_default=True, help="The database: OSV, or a mirror of it.")
@click.option("--ignore", multiple=True, help="Id of a vulnerability that does not concern us; repeatable.")
@click.option("--unreachable", type=click.Choice(["fail", "warn"]), default="fail", show_default=True,
              help="What it means that the database does not answer.")  # fmt: skip
def audit(locks: tuple[Path, ...], sbom: Path | None, url: str, ignore: tuple[str, ...], unreachable: str) -> None:
    """Ask OSV for known vulnerabilities. Exit code 1: some are known, 2: the database could not be asked."""
    try:
        packages = (
            of_sbom(sbom) if sbom is not None else sorted({one for lock in locks or LOCKS for one in of_lock(lock)})
        )
        found = {one: ids - set(ignore) for one, ids in vulnerabilities(packages, url=url).items()}
    except AuditError as error:
        click.echo(f"NOT AUDITED: {error}", err=True)
        raise SystemExit(UNKNOWN if unreachable == "fail" else 0) from error
    found = {one: ids for one, ids in found.items() if ids}
    for one, ids in sorted(found.items()):
        click.echo(f"{one}: {', '.join(f'https://osv.dev/{name}' for name in sorted(ids))}")
    if found:
        click.echo(f"{len(found)} of {len(packages)} packages have known vulnerabilities.", err=True)
        raise SystemExit(VULNERABLE)
    click.echo(f"{len(packages)} packages, no known vulnerability.")


def of_lock(lock: Path) -> list[Package]:
    """The packages that a lock pins. Raises AuditError when it pins none."""
    found = [Package(name=name.lower(), version=version) for name, version in _PINNED.findall(lock.read_text())]
    if not found:
        raise AuditError(f"{lock} pins no package; is it a lock?")
    return sorted(found)


def of_sbom(path: Path) -> list[Package]:
    """The packages of PyPI in a bill of materials. Raises AuditError when it has none."""
    try:
        components: Sequence[Mapping[str, Any]] = json.loads(path.read_text()).get("components") or ()
    except (ValueError, AttributeError) as error:
        raise AuditError(f"{path} is no bill of materials in CycloneDX's JSON: {error}") from error
    found = [package for one in components if (package := _of_purl(str(one.get("purl") or ""))) is not None]
    if not found:
        raise AuditError(f"{path} has no package of PyPI; run `make sbom` first")
    return sorted(found)


def _of_purl(purl: str) -> Package | None:
    """`pkg:pypi/name@version?…` (package-url specification)."""
    kind, _, rest = purl.partition("/")
    name, _, version = re.split(r"[?#]", rest, maxsplit=1)[0].partition("@")
    return Package(name=unquote(name).lower(), version=unquote(version)) if kind == "pkg:pypi" and version else None


def vulnerabilities(packages: Sequence[Package], *, url: str) -> dict[Package, set[str]]:
    """Ids of known vulnerabilities by package. Raises AuditError unless every package was answered for."""
    found: dict[Package, set[str]] = {one: set() for one in packages}
    asked: list[tuple[Package, str]] = [(one, "") for one in packages]
    for _ in range(MOST_PAGES):
        if not asked:
            return found
        more: list[tuple[Package, str]] = []
        for start in range(0, len(asked), MOST_QUERIES):
            part = asked[start : start + MOST_QUERIES]
            for (package, _), result in zip(part, _answers(part, url=url), strict=True):
                found[package] |= {str(one["id"]) for one in result.get("vulns") or ()}
                if token := result.get("next_page_token"):
                    more.append((package, str(token)))
        asked = more
    raise AuditError(f"{url} went on answering with further pages")


def _answers(part: Sequence[tuple[Package, str]], *, url: str) -> list[Mapping[str, Any]]:
    body = json.dumps({"queries": list(_queries(part))}).encode()
    request = urllib.request.Request(f"{url}/v1/querybatch", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            results = json.load(answer)["results"]
        if len(results) != len(part) or not all(isinstance(one, dict) for one in results):
            raise ValueError(f"{len(part)} packages were asked about and {len(results)} answered")
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise AuditError(
            f"the database at {url} did not answer as OSV does ({error}). Check the network or the proxy, or name a "
            "mirror by --url. Nothing is known about vulnerabilities."
        ) from error
    return list(results)


def _queries(part: Sequence[tuple[Package, str]]) -> Iterator[dict[str, Any]]:
    for package, token in part:
        query = {"package": {"ecosystem": "PyPI", "name": package.name}, "version": package.version}
        yield {**query, "page_token": token} if token else query
