"""kubectl plugin for the hyperpod-operator."""

import sys
from pathlib import Path

_CARRIED = Path(__file__).parent / "_operator"
if _CARRIED.is_dir() and str(_CARRIED) not in sys.path:
    # An installed wheel uses the modules that it was built with, whatever version of the operator is next to it.
    sys.path.insert(0, str(_CARRIED))
