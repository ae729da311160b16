"""Lists and watches from bytes to Structs, for any kind that is read in bulk.

msgspec skips what the Structs of a kind do not name without making objects of it. They are short-lived: a store makes
of them what is held.

Sources: Kubernetes API reference, WatchEvent, ListMeta and Status; "Efficient detection of changes", kubernetes.io.
"""

from typing import Generic, Protocol, TypeVar

import msgspec

WHOLE = "application/json"
"""What an API server is asked for to send objects as they are."""
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""The same for their metadata alone ("Receiving resources as PartialObjectMetadata", kubernetes.io)."""
BOOKMARK = "BOOKMARK"
DELETED = "DELETED"


class Garbled(Exception):  # noqa: N818 - a state of affairs: what was read is not what an API server sends
    """The bytes are not JSON, or not of the shape that the Kubernetes API promises."""


class Versioned(Protocol):
    """The part of `metadata` that every object has, bookmarks included."""

    resource_version: str


class Listed(Protocol):
    """An object of a list or a watch."""

    @property
    def metadata(self) -> Versioned: ...


ObjectT = TypeVar("ObjectT", bound=Listed)


class WatchEvent(msgspec.Struct, Generic[ObjectT], gc=False):
    """One line of a watch. A bookmark's object has a resourceVersion and nothing else."""

    type: str
    object: ObjectT


class PageMetadata(msgspec.Struct, gc=False, rename={"resource_version": "resourceVersion", "next": "continue"}):
    resource_version: str = ""
    next: str = ""


class Page(msgspec.Struct, Generic[ObjectT], gc=False):
    """One chunk of a list. `metadata.next` asks for the following one; the last has none."""

    metadata: PageMetadata
    items: list[ObjectT]


class Rejected(msgspec.Struct, gc=False):
    """A Status object: why the API server ends a watch."""

    code: int = 0
    message: str = ""


class _ErrorEvent(msgspec.Struct, gc=False, tag="ERROR"):
    object: Rejected


_error = msgspec.json.Decoder(_ErrorEvent)


class Decoding(Generic[ObjectT]):
    """The decoders of one kind; `noun` is its plural in messages."""

    def __init__(self, struct: type[ObjectT], *, noun: str) -> None:
        self.noun = noun
        self._page: msgspec.json.Decoder[Page[ObjectT]] = msgspec.json.Decoder(Page[struct])  # type: ignore[valid-type]
        self._event: msgspec.json.Decoder[WatchEvent[ObjectT]] = msgspec.json.Decoder(
            WatchEvent[struct]  # type: ignore[valid-type]
        )

    def page(self, content: bytes | bytearray) -> Page[ObjectT]:
        """A chunk of a list. Raises Garbled."""
        try:
            return self._page.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Garbled(f"a list of {self.noun} is not what it should be: {error}") from error

    def event(self, line: bytes) -> WatchEvent[ObjectT] | Rejected:
        """A line of a watch, or what the API server says against it. Raises Garbled."""
        try:
            return self._event.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # A Status object has a text where others have their status; asking for it first would cost every event.
            try:
                return _error.decode(line).object
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise Garbled(f"a line of the watch is not what it should be: {error}") from error
