"""YAML and JSON from files that anybody may have written: bounded in size, depth and in what aliases expand to.

Everything here takes linear time. YAML goes through PyYAML's safe loader; CloudFormation's short forms (!Ref, !Sub,
!GetAtt) become their long ones. JSON may have what people leave in it: comments, trailing commas, variables of a shell
without quotes, the `cat > file << EOL` around it.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from hyperpod_operator.core.text import plain

BYTES_MOST = 16 * 1024 * 1024
"""Size of one file: a Terraform state with thousands of resources is a few MB."""
YAML_MOST = 1024 * 1024
"""Size of one YAML file: CloudFormation takes templates up to 1 MB; PyYAML needs seconds for each."""
DEPTH_MOST = 64
"""How deep a document nests."""
VALUES_MOST = 500_000
"""How many values a document has once its aliases are expanded."""
NUMBER_MOST = 64
"""Characters of a number. No resource needs more, and reading a longer one takes time that grows with its square."""
STANDARD_INPUT = "-"

_LOOSE = re.compile(
    r'(?P<text>"(?:[^"\\\n]|\\.)*"?)'
    r"|(?P<comment>//[^\n]*|/\*(?:(?!\*/).)*(?:\*/)?|(?<=[\s,{\[])\#[^\n]*)"
    r"|(?P<variable>\$\{[A-Za-z0-9_]+\}|\$[A-Za-z0-9_]+)"
    r"|(?P<comma>,(?=\s*[}\]]))",
    re.DOTALL,
)
_HEREDOC = re.compile(r"\A\s*+(?:\$ )?(?:cat|tee)\b[^\n<]*+<<-?[ ]*+['\"]?(?P<end>\w++)['\"]?[^\n]*+\n")


class InputError(Exception):
    """A file cannot be read; the message says which, where in it and why, in one line: anybody may name a file."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MOST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return decoded(data, source=str(path))


def decoded(data: bytes, *, source: str) -> str:
    """Text from bytes. Raises InputError."""
    if len(data) > BYTES_MOST:
        raise InputError(f"{source} is larger than {BYTES_MOST // 1024**2} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is no UTF-8 text: byte {error.start} is wrong") from error


def texts(files: Sequence[str], *, suffixes: tuple[str, ...], stdin: Callable[[], bytes]) -> Iterator[tuple[str, str]]:
    """Name and text of files, of the files in directories and of standard input. Raises InputError."""
    for name in files:
        if name == STANDARD_INPUT:
            yield "standard input", decoded(stdin(), source="standard input")
            continue
        path = Path(name)
        inside = (one for one in path.rglob("*") if one.suffix in suffixes and is_readable(one))
        paths = sorted(inside) if path.is_dir() else [path]
        for one in paths:
            yield plain(str(one)), read_text(one)


def is_readable(path: Path) -> bool:
    """Whether what is found in a directory is to be read: files, and links that lead nowhere, so that these are told. A
    pipe would be waited for without end."""
    return path.is_file() or not path.exists()


def documents(text: str, *, source: str) -> list[Any]:
    """The documents of a YAML or JSON text. Raises InputError."""
    if _is_json(text):
        return [_json(text, source=source)]
    return yaml_documents(text, source=source)


def yaml_documents(text: str, *, source: str, loader: Any = None) -> list[Any]:
    """The documents of a YAML text; empty ones are left out. `loader` is a class of Loader's. Raises InputError."""
    if len(text) > YAML_MOST:
        raise InputError(f"{source} is larger than {YAML_MOST // 1024} KiB, the most that is read as YAML")
    try:
        _check_depth(text)
        found = list(yaml.load_all(text, Loader=loader or Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"{source}{where}: {plain(str(error.problem or error.context))}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is no YAML: {plain(str(error))[:200]}") from None
    return [_bounded(document, source=source) for document in found if document is not None]


def _check_depth(text: str) -> None:
    """Raises ValueError for a text that nests too deep, before anything recurses into it (libyaml's loader crashes)."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MOST:
                raise ValueError(f"it nests deeper than {DEPTH_MOST} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _is_json(text: str) -> bool:
    """Whether it begins as JSON does: YAML begins so only in flow style, which JSON reads alike."""
    return _HEREDOC.match(text) is not None or text.lstrip()[:2].startswith(("{", "[", "//", "/*"))


def _json(text: str, *, source: str) -> Any:
    try:
        return _bounded(json.loads(text, object_pairs_hook=_unique), source=source)
    except ValueError:
        loose, error = _loose(text), None
    except RecursionError:
        raise InputError(f"{source} nests deeper than {DEPTH_MOST} levels") from None
    try:
        return _bounded(json.loads(loose, object_pairs_hook=_unique), source=source)
    except json.JSONDecodeError as failure:
        error = failure
    except ValueError as failure:
        raise InputError(f"{source}: {plain(str(failure))[:200]}") from None
    except RecursionError:
        raise InputError(f"{source} nests deeper than {DEPTH_MOST} levels") from None
    try:
        return _single(yaml_documents(text, source=source), source=source)  # YAML in flow style
    except InputError:
        raise InputError(f"{source}, line {error.lineno}, column {error.colno}: {error.msg}") from None


def _single(found: list[Any], *, source: str) -> Any:
    if len(found) != 1:
        raise InputError(f"{source} has no document")
    return found[0]


def _loose(text: str) -> str:
    """JSON without what people leave in it. Lines keep their numbers."""
    if wrapper := _HEREDOC.match(text):
        lines = text[wrapper.end() :].split("\n")
        end = next((number for number, line in enumerate(lines) if line.strip() == wrapper["end"]), len(lines))
        text = "\n" * text.count("\n", 0, wrapper.end()) + "\n".join(lines[:end])

    def kept(found: re.Match[str]) -> str:
        if found["text"] is not None:
            return found["text"]
        if found["variable"] is not None:
            return json.dumps(found["variable"])
        return "\n" * found[0].count("\n")

    text = _LOOSE.sub(kept, text)
    return _LOOSE.sub(lambda found: "" if found["comma"] else found[0], text)  # commas before a comment that went


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"the member {_twice([name for name, _ in pairs])} stands twice in one object")
    return made


def _twice(names: Sequence[str]) -> str:
    """The first name that comes again."""
    seen: set[str] = set()
    again = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return repr(plain(again)[:80])


def _bounded(document: Any, *, source: str) -> Any:
    """The document, if it is no deeper and no larger than the bounds."""
    level, depth, count = [document], 0, 0
    while level:
        depth += 1
        count += len(level)
        if depth > DEPTH_MOST:
            raise InputError(f"{source} nests deeper than {DEPTH_MOST} levels")
        if count > VALUES_MOST:
            raise InputError(f"{source} has more than {VALUES_MOST} values")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = below
    return document


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser is ten times as fast; PyYAML may have been built without it."""


class Loader(_Base):  # type: ignore[misc]
    """A safe loader with bounds that CloudFormation's tags do not stop."""

    _values = 0

    def construct_document(self, node: Any) -> Any:
        self._values += _weight(node)
        if self._values > VALUES_MOST:
            raise ValueError(f"it has more than {VALUES_MOST} values once its aliases are expanded")
        return super().construct_document(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode) and name.value != "<<"]
        if len(set(names)) != len(names):
            text = f"the member {_twice(names)} stands twice in one mapping"
            raise yaml.constructor.ConstructorError(None, None, text, node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _weight(root: yaml.Node) -> int:
    """How many values a node has when every alias is a copy. Linear: each node counts its children once.

    Raises ValueError for a node that contains itself, and as soon as the weight exceeds VALUES_MOST.
    """
    weights: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            open_nodes.discard(id(node))
            weights[id(node)] = 1 + sum(weights[id(child)] for child in children)
            if weights[id(node)] > VALUES_MOST:
                raise ValueError(f"it has more than {VALUES_MOST} values once its aliases are expanded")
            continue
        if id(node) in weights:
            continue
        if id(node) in open_nodes:
            raise ValueError("an alias contains itself")
        open_nodes.add(id(node))
        stack.append((node, True))
        stack += [(child, False) for child in children]
    return weights[id(root)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _short_form(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    """A tag of CloudFormation as the function that it abbreviates."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


def as_text(loader: Loader, node: yaml.ScalarNode) -> str:
    """A date stays the text that it is: AWSTemplateFormatVersion, a tag's value."""
    return str(loader.construct_scalar(node))


def number_text(loader: Loader, node: yaml.ScalarNode) -> str:
    """What is written of a number. Raises ConstructorError for one that is too long."""
    text = str(loader.construct_scalar(node))
    if len(text) > NUMBER_MOST:
        why = f"a number has more than {NUMBER_MOST} characters"
        raise yaml.constructor.ConstructorError(None, None, why, node.start_mark)
    return text


def _number(loader: Loader, node: yaml.ScalarNode) -> Any:
    """A number; `1:30` is 90 to PyYAML alone."""
    if ":" in (text := number_text(loader, node)):
        return text
    return loader.construct_yaml_int(node) if node.tag == _INT else loader.construct_yaml_float(node)


_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"

Loader.add_multi_constructor("!", _short_form)
Loader.add_constructor("tag:yaml.org,2002:timestamp", as_text)
Loader.add_constructor(_INT, _number)
Loader.add_constructor(_FLOAT, _number)
