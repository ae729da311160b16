"""JSON and YAML for programs."""

import json
from typing import Any

import click


def show(value: Any, form: str) -> None:
    """`form` is json or yaml."""
    if form == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        import yaml

        dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        click.echo(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True), nl=False)


def listed(items: list[Any]) -> dict[str, Any]:
    """As kubectl prints several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": items}
