"""`python -m hyperpod_testbed.argocd` builds Argo CD, once, before a test's own patience begins."""

import sys

from hyperpod_testbed.argocd.build import argo_binaries, argo_version
from hyperpod_testbed.control_plane.build import BuildError

if __name__ == "__main__":
    try:
        found = argo_binaries()
    except BuildError as error:
        sys.exit(str(error))
    print(f"Argo CD {argo_version()}: {found.directory}")
