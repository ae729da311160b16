"""What the image's operator takes on disk: built as `make test-image` builds it."""

import sys
import tempfile
from pathlib import Path

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from hyperpod_testbed.image import Image, ImageError, build


def measure(terms: Terms) -> list[Figure]:  # noqa: ARG001 - every claim takes them
    """No figures where no image can be built; why is told on standard error."""
    try:
        with tempfile.TemporaryDirectory() as directory, build(directory=Path(directory)) as image:
            return figures(image)
    except ImageError as error:
        print(f"   not measured: {error}", file=sys.stderr)
        return []


def figures(image: Image) -> list[Figure]:
    """Of an image that was built."""
    return [Figure(name="image, the operator's tree", value=image.operators_bytes / 1e6, unit="MB", most=90)]
