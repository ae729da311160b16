"""Command lines that documents show: those of fenced shell blocks, and those in the running text.

A shell is not run and not imitated: continuations, pipes, comments, prompts and assignments are taken apart, loops lose
their keywords, and what is left is a list of words.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("helm/hyperpod-operator/*.md"),
        ROOT / "testbed" / "README.md",
    ]
)
TOOLS = frozenset(
    {"aws", "docker", "helm", "hyperpod-operator", "hyperpod-testbed", "kubectl", "make", "python", "sed"}
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SHELL = frozenset({"sh", "bash", "console"})
KEYWORDS = frozenset({"do", "then", "else", "!"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`words[0]` is the bare name of a tool: neither the path to it nor an assignment before it."""

    document: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {' '.join(self.words)}"


def blocks(text: str, languages: frozenset[str]) -> Iterator[str]:
    """The fenced blocks of these languages, without the indentation of their fence."""
    for indent, language, inside in FENCE.findall(text):
        if language in languages:
            yield re.sub(f"^{indent}", "", inside, flags=re.MULTILINE)


def commands(document: Path) -> Iterator[Command]:
    """Every command of a tool that this project knows, in the order of the document."""
    text = document.read_text()
    shown = [line for block in blocks(text, SHELL) for line in typed(block)]
    inline = [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", FENCE.sub("", text))]
    values = [f"helm upgrade hyperpod-operator {span}" for span in inline if span.startswith("--set")]
    for line in [*shown, *(span for span in inline if _is_command(span)), *values]:
        for words in split(line):
            name = words[0].rsplit("/", 1)[-1]
            if name in TOOLS:
                yield Command(document=document, words=(name, *words[1:]))


def typed(block: str) -> Iterator[str]:
    """The lines that a person types: with prompts in the block, those behind a prompt alone."""
    lines = re.sub(r"\\\n\s*", " ", block).splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    for line in lines:
        if not prompted:
            yield line.strip()
        elif line.startswith("$ "):
            yield line[2:]


def split(line: str) -> Iterator[Sequence[str]]:
    """The commands of a line, each as its words."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    words: list[str] = []
    redirected = False
    for word in reader:
        if word in {"<", ">", ">>"}:
            redirected = True
        elif set(word) <= set("|&;()"):
            yield from _without_surroundings(words)
            words = []
        elif redirected:
            redirected = False
        else:
            words.append(word)
    yield from _without_surroundings(words)


def _without_surroundings(words: list[str]) -> Iterator[Sequence[str]]:
    while words and (words[0] in KEYWORDS or re.match(r"[A-Z_]+=", words[0])):
        words = words[1:]
    if words:
        yield words


def _is_command(span: str) -> bool:
    """In the running text a name alone is a name; a command has words behind it, and no ellipsis."""
    first, _, rest = span.partition(" ")
    return first.rsplit("/", 1)[-1] in TOOLS and bool(rest) and "…" not in span
