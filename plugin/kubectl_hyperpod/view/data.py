"""JSON and YAML for programs."""

import json
from typing import Any

import click

from hyperpod_operator.core.text import is_ambiguous, plain
from kubectl_hyperpod.view.say import is_unicode


def show(value: Any, form: str) -> None:
    """`form` is json or yaml."""
    if form == "json":
        click.echo(as_json(value))
    else:
        click.echo(as_yaml(value, unicode=is_unicode()), nl=False)


def as_json(value: Any) -> str:
    """JSON in which what could act on a terminal is escaped, and everything else that the terminal cannot show."""
    made = json.dumps(value, indent=2, ensure_ascii=not is_unicode())
    return made if all(map(_harmless, made.split("\n"))) else json.dumps(value, indent=2)


def as_yaml(value: Any, *, unicode: bool = True) -> str:
    """YAML that kubectl reads as what it was; what could act on a terminal is escaped."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        def represent_str(self, data: str) -> Any:
            found = super().represent_str(data)
            if is_ambiguous(data):
                found.style = "'"
            return found

    Dumper.add_representer(str, Dumper.represent_str)
    made = str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=unicode))
    if unicode and not all(map(_harmless, made.split("\n"))):
        return as_yaml(value, unicode=False)
    return made


def _harmless(line: str) -> bool:
    return plain(line) == line


def listed(items: list[Any]) -> dict[str, Any]:
    """As kubectl prints several objects."""
    return {"apiVersion": "v1", "kind": "List", "items": items}
