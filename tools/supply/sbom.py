"""The command `sbom`: the image's packages as a CycloneDX bill of materials."""

import subprocess
from pathlib import Path

import click

from hyperpod_testbed.environments import ToolEnvironmentError, environment
from hyperpod_testbed.stack import ROOT

LOCK = Path(__file__).parent / "cyclonedx.lock"
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--lock", type=FILE, default=ROOT / "requirements.lock", help="What the image is installed from.")
@click.option("--output", type=FILE, default=ROOT / "sbom.json", help="Where the bill of materials goes.")
def sbom(lock: Path, output: Path) -> None:
    """Write the bill of materials of the image's Python packages (CycloneDX, JSON)."""
    try:
        tool = environment(LOCK) / "cyclonedx-py"
    except ToolEnvironmentError as error:
        raise click.ClickException(str(error)) from error
    about = ("--pyproject", ROOT / "pyproject.toml", "--mc-type", "application")
    command = (tool, "requirements", *about, "--output-reproducible", "--of", "JSON", "-o", output, lock)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"no bill of materials can be made of {lock}:\n{done.stderr[-2000:]}")
    print(output)
