"""What the command `export` does: read every source, make the manifests, say what became of each."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hyperpod_operator.app.documents import (
    STANDARD_INPUT,
    InputError,
    decoded,
    documents,
    is_readable,
    read_text,
)
from hyperpod_operator.app.reading import opened
from hyperpod_operator.app.remedies import words
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.export import live, stack
from hyperpod_operator.core.export.cloudformation import Context
from hyperpod_operator.core.export.cluster import manifest
from hyperpod_operator.core.export.documents import sources
from hyperpod_operator.core.export.model import DocumentError, LeftOut, Manifest, Source
from hyperpod_operator.core.export.names import with_names
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.ports import Clusters
from hyperpod_operator.core.text import plain

SUFFIXES = (".json", ".yaml", ".yml", ".template", ".tfstate")
ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:cluster/.+")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line. `sources` are files, `-`, names and ARNs of clusters; `everything` means all of the Regions."""

    sources: tuple[str, ...]
    regions: tuple[str, ...] = ()
    everything: bool = False
    account: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`failed` are sources that could not be read, in words; nothing of them is in `manifests`."""

    manifests: tuple[Manifest, ...]
    left_out: tuple[LeftOut, ...] = ()
    failed: tuple[str, ...] = ()


async def export(asked: Asked, *, stdin: Callable[[], bytes]) -> Answer:
    """Everything that was asked for. A source that fails does not stop the others."""
    found: list[Source | LeftOut] = []
    failed: list[str] = []
    named: list[str] = []
    for one in asked.sources:
        if is_file(one):
            _file(one, asked, stdin=stdin, found=found, named=named, failed=failed)
        else:
            named.append(one)
    if named or asked.everything:
        await _live(named, asked, found=found, failed=failed)
    made = [manifest(one) if isinstance(one, Source) else one for one in found]
    manifests = with_names([one for one in made if isinstance(one, Manifest)])
    left_out = tuple(one for one in made if isinstance(one, LeftOut))
    return Answer(manifests=tuple(manifests), left_out=left_out, failed=tuple(failed))


def is_file(source: str) -> bool:
    """Whether a source is a file; names of clusters have neither dots nor slashes."""
    if ARN.fullmatch(source):
        return False
    return source == STANDARD_INPUT or "/" in source or "." in source or Path(source).exists()


def _file(
    name: str,
    asked: Asked,
    *,
    stdin: Callable[[], bytes],
    found: list[Source | LeftOut],
    named: list[str],
    failed: list[str],
) -> None:
    """Adds the clusters of a file to `found`, and those that it only names (a stack) to `named`."""
    path = Path(name)
    if name != STANDARD_INPUT and path.is_dir():
        inside = sorted(str(one) for one in path.iterdir() if one.suffix in SUFFIXES and is_readable(one))
        if not inside:
            failed.append(f"{plain(name)} has no file with a name that ends in {', '.join(SUFFIXES)}")
        for one in inside:
            _file(one, asked, stdin=stdin, found=found, named=named, failed=failed)
        return
    label = "standard input" if name == STANDARD_INPUT else plain(name)
    stem = "cluster" if name == STANDARD_INPUT else path.name.split(".")[0]
    context = Context(
        parameters=asked.parameters,
        region=asked.regions[0] if len(asked.regions) == 1 else "",
        account=asked.account,
    )
    try:
        text = decoded(stdin(), source=label) if name == STANDARD_INPUT else read_text(path)
        inside_ = documents(text, source=label)
        if not inside_:
            raise InputError(f"{label} is empty")
        stacks = [document for document in inside_ if stack.is_stack(document)]
        others = [document for document in inside_ if not stack.is_stack(document)]
        live_ = [one for document in stacks for one in stack.clusters(document)]
        made = [one for document in others for one in sources(document, context=context, label=label, name=stem)]
    except InputError as error:
        failed.append(str(error))
    except DocumentError as error:
        failed.append(f"{label}: {error}")
    else:
        found += made
        named += live_


async def _live(named: Sequence[str], asked: Asked, *, found: list[Source | LeftOut], failed: list[str]) -> None:
    """Clusters by name, by ARN, and all of a Region. Raises InputError when no Region is known."""
    cloud = opened(region=next(iter(asked.regions), ""))
    try:
        if not cloud.region and not (named and all(ARN.fullmatch(one) for one in named)):
            raise InputError("no AWS Region is configured: name one with --region or AWS_REGION")
        regions = asked.regions or (cloud.region,)
        wanted = [(region, one) for one in named for region in _regions_of(one, regions)]
        by_name = frozenset(wanted)
        for region in regions if asked.everything else ():
            try:
                wanted += [(region, one.name) for one in await cloud.clusters(region=region).listed()]
            except CloudError as error:
                failed.append(f"{region}: {words(error)}")
        wanted = list(dict.fromkeys(wanted))
        made = await asyncio.gather(*(_one(cloud.clusters(region=region), name) for region, name in wanted))
    finally:
        await asyncio.to_thread(cloud.close)
    made = [
        answer if place in by_name or not _is_gone(answer) else _vanished(place)
        for place, answer in zip(wanted, made, strict=True)
    ]
    absent = {name for (_, name), answer in zip(wanted, made, strict=True) if answer is None}
    present = {name for (_, name), answer in zip(wanted, made, strict=True) if answer is not None}
    failed += [
        f"no cluster {plain(name)} in {', '.join(_regions_of(name, regions))}: aws sagemaker list-clusters shows the "
        "names"
        for name in sorted(absent - present)
    ]
    failed += [
        f"{plain(name)} in {region}: {words(answer)}"
        for (region, name), answer in zip(wanted, made, strict=True)
        if isinstance(answer, CloudError)
    ]
    answers: dict[str, Source | LeftOut] = {}
    for place, answer in zip(wanted, made, strict=True):
        if isinstance(answer, Source):
            # One that is named by its ARN is listed by its name, too.
            answers.setdefault(answer.label, answer if place in by_name else live.unless_owned(answer))
        elif isinstance(answer, LeftOut):
            answers.setdefault(answer.label, answer)
    found += answers.values()


def _regions_of(name: str, regions: Sequence[str]) -> Sequence[str]:
    """Where a cluster is looked for: an ARN says it."""
    return (location_of(name).region,) if ARN.fullmatch(name) else regions


def _is_gone(answer: Source | LeftOut | CloudError | None) -> bool:
    """Whether AWS has no such cluster."""
    return answer is None or (isinstance(answer, CloudError) and answer.kind is ErrorKind.NOT_FOUND)


def _vanished(place: tuple[str, str]) -> LeftOut:
    """A cluster that was listed and is not there when its turn has come."""
    region, name = place
    return LeftOut(label=f"{plain(name)} in {region}", reason="AWS lists it and has no such cluster any more")


async def _one(clusters: Clusters, name: str) -> Source | LeftOut | CloudError | None:
    """The cluster; None where there is none of this name."""
    try:
        cluster = await clusters.describe(name=name)
        if cluster is None:
            return None
        try:
            tags = await clusters.tags(arn=cluster.arn)
        except CloudError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            tags = None
    except CloudError as error:
        return error
    return live.source(cluster, tags=tags)
