"""`python -m tools.supply sbom` and `python -m tools.supply audit`."""

import click
from tools.supply.audit import audit
from tools.supply.sbom import sbom


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Say what the image carries, and what is known about it."""


main.add_command(sbom)
main.add_command(audit)

if __name__ == "__main__":
    main(prog_name="tools.supply")
