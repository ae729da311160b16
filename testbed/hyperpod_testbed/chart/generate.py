"""Everything in the chart that follows from something else: written by the command `chart`, compared by a test."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from hyperpod_testbed.chart import manifests, metrics, readme, rights, schema, values
from hyperpod_testbed.chart.dashboard import dashboard
from hyperpod_testbed.docs import assumptions, conditions, preflight
from hyperpod_testbed.docs.api_reference import reference
from hyperpod_testbed.supply import licences

ROOT = Path(__file__).parents[3]
CHART = ROOT / "helm" / "hyperpod-operator"
CONDITIONS = ROOT / "docs" / "conditions.md"
OBSERVABILITY = ROOT / "docs" / "observability.md"


def generated(*, chart: Path = CHART, crds: Path = ROOT / "crds") -> Mapping[Path, str]:
    """What each generated file of the chart has to contain."""
    found = values.read((chart / "values.yaml").read_text())
    templates = chart / "templates"
    return {
        chart / "values.schema.json": schema.schema(found),
        chart / "README.md": readme.with_table((chart / "README.md").read_text(), found),
        chart / "files" / "dashboard.json": dashboard(),
        OBSERVABILITY: metrics.with_metrics(OBSERVABILITY.read_text()),
        ROOT / "docs" / "api.md": reference(crds),
        CONDITIONS: conditions.with_tables(CONDITIONS.read_text()),
        ROOT / "docs" / "aws-assumptions.md": assumptions.page(ROOT / "operator" / "hyperpod_operator"),
        ROOT / "docs" / "preflight.md": preflight.page(),
        ROOT / "docs" / "licences.md": licences.page(ROOT / "requirements.lock"),
        templates / "_kinds.tpl": rights.template(),
        **{templates / "crds" / path.name: manifests.definition(path.read_text()) for path in sorted(crds.iterdir())},
        **{templates / "admission" / name: text for name, text in manifests.policies().items()},
    }


def stale(wanted: Mapping[Path, str], *, chart: Path = CHART) -> list[Path]:
    """Files that differ from what they have to contain, and generated ones that nothing asks for any more."""
    differ = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    kept = {path for folder in ("crds", "admission") for path in (chart / "templates" / folder).glob("*")}
    return sorted([*differ, *(kept - set(wanted))])


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is not as it has to be.")
def chart(check: bool) -> None:
    """Generate what in helm/ and docs/ follows from models, values, metrics, locks and assumptions."""
    wanted = generated()
    behind = stale(wanted)
    if check:
        for path in behind:
            print(f"{path.relative_to(ROOT)} is not what its source says.", file=sys.stderr)
        if behind:
            raise click.ClickException("run `hyperpod-testbed chart` and commit what it wrote.")
        return
    for path in behind:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
        else:
            path.unlink()
        print(path.relative_to(ROOT))
