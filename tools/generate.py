"""Everything that follows from something else, but `crds/` and `admission/`, which the operator prints itself.

`make chart` writes it, and a test compares. Each generator takes the records of the kinds, so a further kind gets what
the kinds that ship get; no generator names one.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click
import yaml
from tools.argocd import scripts, testdata
from tools.argocd.scene import Scenes
from tools.chart import manifests, readme, rights, schema, values
from tools.chart.dashboard import dashboard
from tools.docs import api_reference, assumptions, conditions, licences, metrics, preflight

from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.metrics.table import instruments

ROOT = Path(__file__).parents[1]
CHART = Path("helm/hyperpod-operator")
DOCS = Path("docs")


def generated(kinds: Sequence[Kind] = KINDS, *, root: Path = ROOT) -> Mapping[Path, str]:
    """The text of each generated file of the chart and the documents, by its path below `root`."""
    templates = CHART / "templates"
    found = values.read((root / CHART / "values.yaml").read_text())
    definitions = all_crds(kinds)
    alerts = yaml.safe_load((root / CHART / "files" / "alerts.yaml").read_text())

    def around(page: Path) -> str:
        return (root / page).read_text()

    return {
        CHART / "values.schema.json": schema.schema(found),
        CHART / "README.md": readme.with_table(around(CHART / "README.md"), found),
        CHART / "files" / "dashboard.json": dashboard(),
        DOCS / "metrics.md": metrics.with_metrics(around(DOCS / "metrics.md"), instruments(kinds), alerts),
        DOCS / "api.md": api_reference.reference(definitions.values()),
        DOCS / "conditions.md": conditions.with_tables(around(DOCS / "conditions.md"), kinds),
        DOCS / "aws-assumptions.md": assumptions.page(root / "operator" / "hyperpod_operator"),
        DOCS / "preflight.md": preflight.page(),
        DOCS / "licences.md": licences.page(root / "requirements.lock"),
        templates / "_kinds.tpl": rights.template(kinds),
        **{templates / "crds" / name: manifests.definition(one) for name, one in definitions.items()},
        **{templates / "admission" / name: text for name, text in manifests.policies(kinds).items()},
    }


def gitops(scenes: Scenes, kinds: Sequence[Kind] = KINDS) -> Mapping[Path, str]:
    """The same of Argo CD: its scripts, the ConfigMap that carries them, and the testdata of each kind's scenes."""
    return {**scripts.generated(kinds), **testdata.generated(scenes, kinds)}


def stale(wanted: Mapping[Path, str], *, root: Path = ROOT) -> list[Path]:
    """Files that differ from what they have to contain, and generated ones that nothing asks for any more."""
    differ = [path for path, text in wanted.items() if not (root / path).exists() or (root / path).read_text() != text]
    kept = {
        path.relative_to(root)
        for folder in (CHART / "templates" / "crds", CHART / "templates" / "admission", scripts.CUSTOMIZATIONS)
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    return sorted([*differ, *(kept - set(wanted))])


def write(wanted: Mapping[Path, str], *, root: Path = ROOT) -> list[Path]:
    """Bring the files up to date; returns the paths of those that changed."""
    behind = stale(wanted, root=root)
    for path in behind:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path])
        else:
            (root / path).unlink()
    return behind


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is not as it has to be.")
def main(check: bool) -> None:
    """Generate what in helm/, docs/ and gitops/ follows from models, values, metrics, locks, assumptions and Lua."""
    scenes: Scenes = import_module("tests.gitops.scenes").SCENES  # made of the worlds of the tests
    wanted = {**generated(), **gitops(scenes)}
    if not check:
        for path in write(wanted):
            print(path)
        return
    behind = stale(wanted)
    for path in behind:
        print(f"{path} is not what its source says.", file=sys.stderr)
    if behind:
        raise click.ClickException("run `make chart` and commit what it wrote.")


if __name__ == "__main__":
    main()
