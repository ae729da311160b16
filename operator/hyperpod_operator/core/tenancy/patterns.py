"""Patterns in which `*` stands for any characters, compared in time linear in the length of pattern and value.

A regular expression that backtracks would let one long value stop the operator for every namespace. Here the text
before the first star must begin the value, the text after the last one must end it, and the texts between are looked
for from left to right, each once: the leftmost place never leaves less room for the rest than a later one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ANY = "*"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, taken apart once."""

    text: str
    pieces: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Pattern":
        return cls(text, tuple(text.split(ANY)))

    def matches(self, value: str) -> bool:
        """Whether the whole value is what the pattern says. `str.find` is linear (CPython: the two-way algorithm)."""
        first, *rest = self.pieces
        if not rest:
            return value == first
        last = rest.pop()
        end = len(value) - len(last)
        if end < len(first) or not value.startswith(first) or not value.endswith(last):
            return False
        at = len(first)
        for piece in rest:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


class Patterns:
    """A list of patterns; those without a star are looked up, not compared one by one."""

    __slots__ = ("_exact", "_wild", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        self._exact = frozenset(text for text in self.texts if ANY not in text)
        self._wild = tuple(Pattern.of(text) for text in self.texts if ANY in text)

    def match(self, value: str) -> bool:
        return value in self._exact or any(pattern.matches(value) for pattern in self._wild)
