"""Foreign text, made fit to be read: nothing in it may act on a terminal, hide, or turn the line around.

Names, tags and messages come from tenants, nodes and whoever answers in AWS's place. Control and format characters
(Unicode categories Cc and Cf: C0 and C1, escape sequences, bidirectional controls, zero-width characters) are dropped;
what breaks a line becomes a space, so that one message stays one line. Everything else stays as it is.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, movements of the cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, ...: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_BREAK = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_DROPPED = frozenset({"Cc", "Cf", "Cs"})

_NUMBER = r"[-+]?(?:\.[0-9]|[0-9])[0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?"
_OF_A_BASE = r"[-+]?0(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"
_NO_TEXT = rf"{_NUMBER}|{_OF_A_BASE}|[yYnN]"
_AMBIGUOUS = re.compile(_NO_TEXT)


def is_ambiguous(text: str) -> bool:
    """Whether YAML needs quotes around a text that PyYAML writes without.

    kubectl's reader has other rules than PyYAML's (package go-yaml: YAML 1.1 and 1.2): there 7234567e8 and 08 are
    numbers, 0o14 is twelve, and y is true. A label or a tag with the digest of a commit would be another value.
    """
    return _AMBIGUOUS.fullmatch(text) is not None


def plain(text: str) -> str:
    """`text` as one line without control and format characters. Linear in its length."""
    if text.isprintable():
        return text
    text = _BREAK.sub(" ", _SEQUENCE.sub("", text))
    return "".join(letter for letter in text if unicodedata.category(letter) not in _DROPPED)


def sentence(words: str) -> str:
    """Words of others, before a sentence of ours: with a stop at their end, where they have none."""
    words = words.rstrip()
    return words if not words or words[-1] in ".!?…" else f"{words.rstrip(',;:')}."


def shortened(text: str, most: int) -> str:
    """At most `most` characters (20 or more): the middle goes, because AWS ends with why.

    It is cut between words, unless a word is longer than a third of what is kept.
    """
    if len(text) <= most:
        return text
    head = (most - 3) * 2 // 3
    tail = len(text) - (most - 3 - head)
    end, start = text.rfind(" ", 0, head + 1), text.find(" ", tail - 1)
    head = end if end > head * 2 // 3 else head
    tail = start if 0 <= start <= tail + (len(text) - tail) // 3 else tail
    return f"{text[:head].rstrip()} … {text[tail:].lstrip()}"


def contrasted(before: str, after: str, *, most: int) -> tuple[str, str]:
    """Two values, each at most `most` characters of it, and unlike wherever the whole values are unlike.

    What both begin with goes first: two ARNs, or two addresses of S3, often differ at their ends alone.
    """
    longest = max(len(before), len(after))
    if longest <= most:
        return before, after
    alike = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    alike = min(len(before), len(after)) if alike is None else alike
    begin = max(0, min(alike - most // 2, longest - most + 1))

    def part(text: str) -> str:
        head, room = ("…", most - 1) if begin else ("", most)
        return head + (text[begin:] if len(text) - begin <= room else f"{text[begin : begin + room - 1]}…")

    return part(before), part(after)


def plain_lines(text: str) -> str:
    """The same line by line, for text whose lines are ours: a traceback, a list of what is missing."""
    return "\n".join(map(plain, text.split("\n")))


def plain_values(value: Any) -> Any:
    """JSON whose every string, keys aside, is plain. Every status goes through here, so the common types come first."""
    kind = type(value)
    if kind is str:
        return value if value.isprintable() else plain(value)
    if kind is dict:
        return {key: plain_values(below) for key, below in value.items()}
    if kind is bool or kind is int or value is None:
        return value
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: plain_values(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(below) for below in value]
    return value


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, and with its verb where that changes, too: `1 node`, `2 nodes`, `1 pod is`, `2 pods are`.

    `many` is needed where the plural is more than an s.
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(
    items: Sequence[object], *, most: int = 8, separator: str = "; ", rest: str | None = None, more: str = "and {} more"
) -> str:
    """The first `most` items for a message, and how many more there are, in the words of `more`; `rest` stands before
    these, instead of the separator."""
    shown = separator.join(str(item) for item in items[:most])
    before = separator if rest is None else rest
    return shown + (before + more.format(len(items) - most) if len(items) > most else "")
