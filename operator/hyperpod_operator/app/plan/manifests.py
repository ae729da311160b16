"""Resources of this operator in files, directories and standard input."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.common.spec_rules import rule_problems
from hyperpod_operator.api.common.text_rules import RULES
from hyperpod_operator.api.kinds import Kind, kind_named
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import API_VERSION, GROUP
from hyperpod_operator.app.documents import InputError, texts, yaml_documents
from hyperpod_operator.app.invalid import spec_problems
from hyperpod_operator.app.manifest_yaml import ManifestLoader
from hyperpod_operator.core.object_name import is_object_name
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.text import plain

SUFFIXES = (".yaml", ".yml", ".json")
WORDS = "lower-case letters, digits, hyphens and dots, as text"
"""Of names."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One resource of a file. `problem` is why the API server would refuse it, empty if the models find nothing."""

    kind: str
    key: Key
    source: str
    body: Mapping[str, Any]
    problem: str = ""


def kind_of(manifest: Manifest) -> Kind:
    """The kind of a manifest without a problem."""
    found = kind_named(manifest.kind)
    if found is None:
        raise AssertionError("asked only where the kind is known")
    return found


def manifests(files: Sequence[str], *, namespace: str, stdin: Callable[[], bytes]) -> list[Manifest]:
    """Every resource of ours; documents of others are passed over. Raises InputError, also if there is none."""
    found = found_in(files, namespace=namespace, stdin=stdin)
    if not found:
        raise InputError(f"no resource of {GROUP} in {', '.join(map(plain, files))}")
    return found


def found_in(files: Sequence[str], *, namespace: str, stdin: Callable[[], bytes], rules: bool = True) -> list[Manifest]:
    """The same, and an empty list where there is none. Without `rules` no rule in CEL makes a problem."""
    found = [
        _manifest(_whole(body), source=source, namespace=namespace, rules=rules)
        for source, text in texts(files, suffixes=SUFFIXES, stdin=stdin)
        for document in yaml_documents(text, source=source, loader=ManifestLoader)
        for body in _flat(document)
        if _is_ours(body)
    ]
    twice = _twice(found)
    if twice is not None:
        raise InputError(f"{twice.kind} {twice.key} stands in the files twice; the second one is in {twice.source}")
    return found


def _twice(found: Sequence[Manifest]) -> Manifest | None:
    seen: set[tuple[str, Key]] = set()
    for one in found:
        if (one.kind, one.key) in seen:
            return one
        seen.add((one.kind, one.key))
    return None


def _flat(document: Any) -> Iterator[Any]:
    """A document, or the items of a List."""
    if isinstance(document, Mapping) and document.get("kind") == "List" and isinstance(document.get("items"), list):
        yield from document["items"]
    else:
        yield document


def _is_ours(body: Any) -> bool:
    return isinstance(body, Mapping) and str(body.get("apiVersion", "")).startswith(f"{GROUP}/")


def _whole(value: Any) -> Any:
    """Numbers without a fraction as integers: kubectl sends 4.0 as 4, and the API server takes no 4.0 for one."""
    if isinstance(value, Mapping):
        return {str(name): _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _manifest(body: Mapping[str, Any], *, source: str, namespace: str, rules: bool) -> Manifest:
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    kind, name = plain(str(body.get("kind", ""))), plain(str(metadata.get("name") or ""))
    key = Key(plain(str(metadata.get("namespace") or namespace)), name)
    problem = _problem(kind, metadata, body, rules=rules)
    return Manifest(kind=kind, key=key, source=source, body=body, problem=problem)


def _problem(kind: str, metadata: Mapping[str, Any], body: Mapping[str, Any], *, rules: bool) -> str:
    if (version := str(body.get("apiVersion"))) != API_VERSION:
        return f"apiVersion {plain(version)[:80]} is none that this version knows: it is {API_VERSION}"
    known = kind_named(kind)
    if known is None:
        return f"{kind or 'a resource without kind'} is no kind of {GROUP} that this version knows"
    if metadata.get("name") in (None, ""):
        return "metadata.name is missing"
    for member in ("name", "namespace"):
        # As it stands in the file, and not as it is shown: a number and an invisible character are no part of a name.
        if (given := metadata.get(member)) not in (None, "") and not is_object_name(given):
            return f"metadata.{member} is none that an object can have: {WORDS}"
    model, spec = known.spec, body.get("spec") or {}
    if found := spec_problems(model, spec, rules=rules):
        return found
    of_object = rule_problems({RULES: known.rules}, {"metadata": {"name": metadata["name"]}, "spec": spec})
    if rules and (broken := next(of_object, None)) is not None:
        return broken[1]
    unknown = unknown_members(model, spec)
    return f"this version has no {', '.join(map(plain, unknown))}" if unknown else ""
