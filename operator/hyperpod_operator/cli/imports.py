"""How a command loads what it needs: quickly, and nothing that it does not use."""

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import cast

PACKAGES = ("kubernetes", "kubernetes.aio")
"""Packages whose `__init__` loads much more than the modules that are named."""
CERTIFICATES = "SSL_CERT_FILE"
"""OpenSSL's variable for the file with the certificates of authorities."""
SERVER = "aiohttp.web"
"""aiohttp's server. Kopf names it in annotations, and serves nothing here: probes have a server of their own."""
MISSING = "kubernetes.client"
"""The synchronous client. Kopf asks for it, and does without where there is none, as in the image (Dockerfile)."""


@contextmanager
def loading() -> Iterator[None]:
    """For the imports of a command, which take most of the time of a short one.

    Without collections of garbage: while modules are loaded, everything that is new stays. What was loaded is left out
    of all later collections: the first would come at once and search through all of it, a tenth of a second for half a
    megabyte. So is everything when the interpreter ends, whose last collections would take a fifth of a short command.
    """
    enabled, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        with _bare_packages(), _no_server(), _no_certificates():
            yield
    finally:
        if enabled and len(sys.modules) > before:
            gc.freeze()
            atexit.register(gc.freeze)
        if enabled:
            gc.enable()


@contextmanager
def _no_certificates() -> Iterator[None]:
    """Keep aiohttp from reading the certificates of all authorities, twice, for contexts that nobody uses.

    It makes them when it is imported (aiohttp, `connector.py`), and each takes as long as a hundred modules. Every
    connection of the operator has a context of its own (`kube`, `runtime/login.py`); one that forgot it would trust
    nobody. OpenSSL takes the file from the environment (OpenSSL documentation, SSL_CTX_set_default_verify_paths).
    """
    before = os.environ.get(CERTIFICATES)
    os.environ[CERTIFICATES] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ[CERTIFICATES]
        else:
            os.environ[CERTIFICATES] = before


class _StandIn(MetaPathFinder, Loader):
    """Finds a module that has every name, and nothing behind it, in place of aiohttp's server."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        return ModuleSpec(name, self) if name == SERVER else None

    def exec_module(self, module: ModuleType) -> None:
        def named(name: str) -> type:
            if name.startswith("_"):
                raise AttributeError(name)
            return object

        module.__dict__["__getattr__"] = named


@contextmanager
def _no_server() -> Iterator[None]:
    """Leave aiohttp's server out, whose modules take 2 MB. Whoever imports it afterwards gets it whole."""
    finder, before = _StandIn(), sys.modules.get(SERVER)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if before is None and sys.modules.pop(SERVER, None) is not None:
            parent, _, child = SERVER.rpartition(".")
            delattr(sys.modules[parent], child)


@contextmanager
def _bare_packages() -> Iterator[None]:
    """Let the modules of `kubernetes.aio` that the operator names load without the rest of their packages.

    The `__init__` of both packages import the synchronous client, the dynamic client and validators of schemas: 250
    modules that nothing here uses, and more than a fifth of the time that all imports take. Later imports get the
    packages whole; what is loaded already stays as it is.
    """
    if "kubernetes" in sys.modules:
        yield
        return
    try:
        for name in PACKAGES:
            if (spec := find_spec(name)) is not None:
                sys.modules[name] = module = module_from_spec(spec)
                parent, _, child = name.rpartition(".")
                if parent:
                    setattr(sys.modules[parent], child, module)
        sys.modules[MISSING] = cast(ModuleType, None)
        yield
    finally:
        for name in (*PACKAGES, MISSING):
            sys.modules.pop(name, None)
