"""The command `preflight`: resources from files, checked against AWS with the caller's own credentials."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from hyperpod_operator.api.cluster import HyperPodClusterSpec
from hyperpod_operator.api.kinds import CLUSTER, VOLUME_CLAIM
from hyperpod_operator.api.names import GROUP
from hyperpod_operator.api.volume import EBSVolumeClaimSpec
from hyperpod_operator.app.documents import InputError, texts, yaml_documents
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.controllers.parse import problems
from hyperpod_operator.core.preflight.facts import Facts
from hyperpod_operator.core.preflight.gate import preflight
from hyperpod_operator.core.preflight.model import Preflight, Result
from hyperpod_operator.core.preflight.run import preflight as run
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.volume import CLAIM, ClaimSubject
from hyperpod_operator.core.text import counted, plain

SUFFIXES = (".yaml", ".yml", ".json")
MARKS: Mapping[Result, str] = {Result.PASS: "ok", Result.WARN: "warn", Result.FAIL: "FAIL", Result.UNKNOWN: "?"}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a file that has checks."""

    kind: str
    name: str
    spec: HyperPodClusterSpec | EBSVolumeClaimSpec


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the checks of one resource say."""

    kind: str
    name: str
    result: Preflight
    calls: int

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "passed": len(self.result.of(Result.PASS)),
            "warnings": len(self.result.of(Result.WARN)),
            "failures": len(self.result.failed),
            "unknown": len(self.result.of(Result.UNKNOWN)),
            "calls": self.calls,
            "checks": [
                {"name": check.name, "group": check.area, "result": check.result, "message": check.message}
                for check in self.result.checks
            ],
        }


async def check_files(files: Sequence[str], *, region: str, stdin: Callable[[], bytes]) -> list[Report]:
    """The reports of all resources with checks in these files. Raises InputError."""
    found = list(resources(files, stdin=stdin))
    if not found:
        raise InputError(f"no {CLUSTER.name} and no {VOLUME_CLAIM.name} in {', '.join(files)}")
    cloud = AwsCloud(settings=CloudSettings(region=region, connect_timeout=3.0), on_call=lambda **_: None)
    try:
        return [await _checked(cloud, one) for one in found]
    finally:
        await asyncio.to_thread(cloud.close)


async def _checked(cloud: AwsCloud, resource: Resource) -> Report:
    if isinstance(resource.spec, EBSVolumeClaimSpec):
        facts = await cloud.facts(region="").gather_claim(resource.spec)
        claim = ClaimSubject(spec=resource.spec, facts=facts)
        return Report(kind=resource.kind, name=resource.name, result=run(CLAIM, claim), calls=facts.calls)
    region = resource.spec.region or ""
    subject = ClusterSubject(
        spec=resource.spec,
        here=await cloud.location(region=region),
        facts=Facts(),
        now=datetime.now(UTC),
        name=resource.spec.clusterName or resource.name,
    )
    gathered = await cloud.facts(region=region).gather(subject)
    return Report(
        kind=resource.kind,
        name=resource.name,
        result=preflight(replace(subject, facts=gathered)),
        calls=gathered.calls,
    )


def resources(files: Sequence[str], *, stdin: Callable[[], bytes]) -> Iterator[Resource]:
    """The resources with checks in files, directories and standard input; other kinds are passed over."""
    for source, text in texts(files, suffixes=SUFFIXES, stdin=stdin):
        for document in yaml_documents(text, source=source):
            for body in _flat(document):
                if (found := _resource(body, source=source)) is not None:
                    yield found


def _flat(document: Any) -> list[Any]:
    """A document, or the items of a List."""
    if isinstance(document, dict) and document.get("kind") == "List":
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


def _resource(body: Any, *, source: str) -> Resource | None:
    if not isinstance(body, dict) or not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return None
    metadata = body.get("metadata")
    kind, name = str(body.get("kind", "")), str(metadata.get("name", "") if isinstance(metadata, dict) else "")
    models: Mapping[str, Any] = {CLUSTER.name: HyperPodClusterSpec, VOLUME_CLAIM.name: EBSVolumeClaimSpec}
    if kind not in models:
        return None
    try:
        return Resource(kind=kind, name=plain(name), spec=models[kind].model_validate(body.get("spec") or {}))
    except ValidationError as error:
        raise InputError(f"{kind} {plain(name)} in {source} is invalid: {plain(problems(error))}") from error


def printed(reports: Sequence[Report], output: str) -> str:
    """The reports as text for people, or as JSON."""
    if output == "json":
        return json.dumps([report.to_json() for report in reports], indent=2)
    return "\n\n".join(_text(report) for report in reports)


def _text(report: Report) -> str:
    lines = [f"  {MARKS[check.result]:<5} {check.area}/{check.name}: {check.message}" for check in report.result.checks]
    counts = report.to_json()
    summary = ", ".join(f"{counts[word]} {word}" for word in ("passed", "warnings", "failures", "unknown"))
    return "\n".join([f"{report.kind} {report.name}", *lines, f"  {summary}; {counted(report.calls, 'call')} to AWS."])
