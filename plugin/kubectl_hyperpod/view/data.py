"""JSON and YAML for programs."""

import json
from typing import Any

import click

from hyperpod_operator.core.text import is_ambiguous


def show(value: Any, form: str) -> None:
    """`form` is json or yaml."""
    if form == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        click.echo(as_yaml(value), nl=False)


def as_yaml(value: Any) -> str:
    """YAML that kubectl reads as what it was."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        def represent_str(self, data: str) -> Any:
            found = super().represent_str(data)
            if is_ambiguous(data):
                found.style = "'"
            return found

    Dumper.add_representer(str, Dumper.represent_str)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True))


def listed(items: list[Any]) -> dict[str, Any]:
    """As kubectl prints several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": items}
