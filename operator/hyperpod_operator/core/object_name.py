"""Names of objects in Kubernetes."""

import re

_SUBDOMAIN = re.compile("(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_object_name(text: object) -> bool:
    """Whether the API server may have an object of this name: an RFC 1123 subdomain, of at most 253 characters."""
    return isinstance(text, str) and _SUBDOMAIN.fullmatch(text) is not None
