"""YAML of manifests, read as kubectl reads it: what is a number there is no text here."""

import yaml

from hyperpod_operator.app.documents import Loader, as_text, number_text
from hyperpod_operator.core.text import is_ambiguous


class ManifestLoader(Loader):
    """Reads texts without quotes as kubectl does, where PyYAML has other rules (`core.text.is_ambiguous`)."""


class _Ambiguous:
    """What the tag of such a text is chosen by."""

    @staticmethod
    def match(text: str) -> bool:
        return is_ambiguous(text)


_KUBECTL = "tag:hyperpod-operator.dev,2026:kubectl"
_TRUE = frozenset("yY")


def _as_kubectl(loader: ManifestLoader, node: yaml.ScalarNode) -> bool | int | float | str:
    text = number_text(loader, node).replace("_", "")
    if text in "yYnN":
        return text in _TRUE
    for number in (lambda: int(text, 0), lambda: float(text)):
        try:
            return number()
        except (ValueError, OverflowError):
            continue
    return text


ManifestLoader.add_constructor("tag:yaml.org,2002:value", as_text)  # the text `=`
ManifestLoader.add_implicit_resolver(_KUBECTL, _Ambiguous, list("-+.0123456789yYnN"))
ManifestLoader.add_constructor(_KUBECTL, _as_kubectl)
