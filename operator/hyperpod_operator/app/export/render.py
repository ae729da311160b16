"""Manifests as YAML with comments, and where they are written."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import API_VERSION
from hyperpod_operator.app.documents import InputError
from hyperpod_operator.app.files import write_whole
from hyperpod_operator.core.export.model import Manifest, Note
from hyperpod_operator.core.text import is_ambiguous, plain, plain_lines

WIDTH = 110
STANDARD_OUTPUT = "-"
ADOPTION = (
    "The operator adopts the cluster if no other owner's tags are on it. Compare it with AWS before you apply it "
    "(docs/adoption.md)."
)


def rendered(manifest: Manifest, *, namespace: str) -> str:
    """One manifest as a YAML document; what was left out and what is left to do stands above it."""
    metadata = {"name": manifest.name} | ({"namespace": namespace} if namespace else {})
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": CLUSTER.name,
        "metadata": metadata,
        "spec": dict(manifest.spec),
    }
    return _header(manifest) + _dumped(body)


def _dumped(body: dict[str, Any]) -> str:
    """Foreign text as it is, unless something in it would act on a terminal or turn a line around: then escaped."""
    shown = str(yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True))
    if plain_lines(shown) == shown:
        return shown
    return str(yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=WIDTH))


def _header(manifest: Manifest) -> str:
    place = ", ".join(
        text for text in (manifest.region, f"account {manifest.account}" if manifest.account else "") if text
    )
    lines = [f"Exported from {manifest.label}" + (f" ({place})." if place else "."), ADOPTION]
    to_do = [note for note in manifest.notes if note.to_do]
    others = [note for note in manifest.notes if not note.to_do]
    made = [line for text in lines for line in _comment(text)]
    for title, notes in (("To do before you apply it:", to_do), ("Differences from the source:", others)):
        if notes:
            made += ["#", *_comment(title), *(line for note in notes for line in _item(note))]
    return "".join(f"{line}\n" for line in made)


def _item(note: Note) -> list[str]:
    return _comment(str(note), first="#  - ", rest="#    ")


def _comment(text: str, *, first: str = "# ", rest: str = "# ") -> list[str]:
    """Foreign text stays behind its `#`: it has no line breaks left."""
    return textwrap.wrap(plain(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False) or []


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, as people write them; nothing becomes an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        found: yaml.ScalarNode = super().represent_str(data)
        if is_ambiguous(data):
            found.style = "'"
        return found


_Dumper.add_representer(str, _Dumper.represent_str)


def write(manifests: Sequence[Manifest], *, directory: Path, namespace: str, force: bool) -> list[Path]:
    """One file for each manifest, all or none if a file is in the way. Raises InputError."""
    texts = {directory / f"{one.name}.yaml": rendered(one, namespace=namespace) for one in manifests}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not force:
            for path, text in texts.items():
                if path.exists() and path.read_text(encoding="utf-8") != text:
                    raise InputError(
                        f"{path} exists and has other content: name another directory, or replace it with --force"
                    )
        for path, text in texts.items():
            write_whole(path, text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{directory} cannot be written: {error}") from error
    return list(texts)
