"""kubectl plugin for the hyperpod-operator."""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

_CARRIED = str(Path(__file__).parent / "_operator")
# Asked of the import system, because krew's archive is a file and has no directories.
if _CARRIED not in sys.path and PathFinder.find_spec("hyperpod_operator", [_CARRIED]) is not None:
    # An installed wheel uses the modules that it was built with, whatever version of the operator is next to it.
    sys.path.insert(0, _CARRIED)
