"""The operator's image: built without a container daemon, run without root and with nothing to write to."""

from hyperpod_testbed.image.build import Image, ImageError, build
from hyperpod_testbed.image.program import program

__all__ = ["Image", "ImageError", "build", "program"]
