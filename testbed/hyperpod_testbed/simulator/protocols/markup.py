"""A structure of the model as XML: the same rules for EC2, the query protocol and S3, but for the names of items."""

from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, Shape, StructureShape

from hyperpod_testbed.simulator.protocols import text
from hyperpod_testbed.simulator.state import JSON


def members(shape: Shape, value: JSON, *, item: str = "member") -> str:
    """The members of a structure as elements; `item` is the element of a list that has no name of its own."""
    parts = []
    for name, inner in shape.members.items():
        if value.get(name) is None or inner.serialization.get("location"):
            continue
        parts.append(_element(inner, str(inner.serialization.get("name", name)), value[name], item=item))
    return "".join(parts)


def _element(shape: Shape, tag: str, value: Any, *, item: str) -> str:
    if isinstance(shape, ListShape):
        flat = bool(shape.serialization.get("flattened"))
        inner = shape.member
        if flat:
            tag = str(inner.serialization.get("name", tag))
        name = tag if flat else str(inner.serialization.get("name", item))
        items = "".join(_element(inner, name, one, item=item) for one in value)
        return items if flat else f"<{tag}>{items}</{tag}>"
    if isinstance(shape, MapShape):
        return f"<{tag}>{''.join(_entry(shape, key, one, item=item) for key, one in value.items())}</{tag}>"
    content = (
        members(shape, value, item=item) if isinstance(shape, StructureShape) else escape(text.write(shape, value))
    )
    return f"<{tag}>{content}</{tag}>"


def _entry(shape: MapShape, key: str, value: Any, *, item: str) -> str:
    first = _element(shape.key, str(shape.key.serialization.get("name", "key")), key, item=item)
    second = _element(shape.value, str(shape.value.serialization.get("name", "value")), value, item=item)
    return f"<entry>{first}{second}</entry>"
