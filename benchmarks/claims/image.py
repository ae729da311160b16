"""What the image's operator takes, built as `make test-image` builds it: on disk, and in memory with nothing to do."""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from benchmarks.nodes.process import memory_mb
from hyperpod_testbed.image import Image, ImageError, build
from hyperpod_testbed.image.operator import started

CALM = 25.0
"""Seconds from the start until memory is read."""


def measure(terms: Terms) -> list[Figure]:
    """No figures where no image can be built; why is told on standard error."""
    try:
        with tempfile.TemporaryDirectory() as name, build(directory=Path(name) / "build") as image:
            return [disk(image), _memory(image, terms, Path(name))]
    except ImageError as error:
        print(f"   not measured: {error}", file=sys.stderr)
        return []


def disk(image: Image) -> Figure:
    """Of an image that was built."""
    return Figure(name="image, the operator's tree", value=image.operators_bytes / 1e6, unit="MB", most=90)


def _memory(image: Image, terms: Terms, directory: Path) -> Figure:
    directory.chmod(0o755)
    with (
        terms.environment() as env,
        started(image, plane=env.plane, environment=env.aws.environment(), directory=directory) as operator,
    ):
        time.sleep(terms.seconds(CALM, quick=10.0))
        value = memory_mb(operator.child.pid)
    return Figure(name="image, resident memory, idle", value=value, unit=terms.said("MB"))
