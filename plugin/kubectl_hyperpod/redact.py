"""Takes secrets out of what goes into a support bundle. What it knows is named here; a test plants one of each kind.

Secrets and ConfigMaps are never read, and values of environment variables are never kept: this is the second line of
defence, for logs, annotations and tags that a person put a secret into.
"""

import re
from collections.abc import Mapping
from typing import Any

GONE = "REDACTED"

_SENSITIVE = (
    r"(?=[\w.-]*?(?:password|passwd|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key"
    r"|authorization))[\w.-]++"
)
"""A name of a secret. No part gives back what it took, here and below: text of anybody costs linear time only."""
_NAMED = re.compile(_SENSITIVE, re.IGNORECASE)
_HARMLESS = re.compile(
    r"secretName|tokenFile|imagePullSecrets|automountServiceAccountToken|serviceAccountToken|clientRequestToken"
    r"|.*(?:Token|Secret|Credentials?)(?:Invalid|Expired)",
)
_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\beyJ[\w-]{8,}+(?:\.[\w-]*+){0,2}"),
    re.compile(r"\bk8s-aws-v1\.[\w=-]+"),
    re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{20,}\b"),
    re.compile(r"\b(?:github_pat_|glpat-|hf_|nvapi-|xox[abprs]-)[\w-]{16,}"),
)
_KEPT_HEAD = (
    re.compile(r"((?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)"),
    re.compile(
        rf"((?<![\w.-]){_SENSITIVE}\\*+[\"']?+\s*+[:=]\s*+\\*+[\"']?+)(?!{GONE})[^\s\"',;&}}\]\\]++", re.IGNORECASE
    ),
)


def text(words: str) -> str:
    """Text without what looks like a secret; each is replaced, so that the rest still reads."""
    for pattern in _PATTERNS:
        words = pattern.sub(GONE, words)
    for pattern in _KEPT_HEAD:
        words = pattern.sub(rf"\g<1>{GONE}", words)
    return words


def value(found: Any) -> Any:
    """The same for an object: members and key/value pairs whose name is that of a secret, and every text."""
    if isinstance(found, str):
        return text(found)
    if isinstance(found, list):
        return [value(one) for one in found]
    if not isinstance(found, Mapping):
        return found
    name = found.get("key") or found.get("name") or found.get("Key")
    paired = isinstance(name, str) and _is_secret(name)
    return {
        member: GONE
        if isinstance(below, str) and (_is_secret(str(member)) or (paired and str(member).lower() == "value"))
        else value(below)
        for member, below in found.items()
    }


def resource(found: Mapping[str, Any]) -> Any:
    """A Kubernetes object without managed fields, without the copy that kubectl keeps, and without values of env."""
    made = {**found}
    metadata = {name: one for name, one in (made.get("metadata") or {}).items() if name != "managedFields"}
    notes = metadata.get("annotations")
    if isinstance(notes, dict):
        kept = {name: one for name, one in notes.items() if name != "kubectl.kubernetes.io/last-applied-configuration"}
        metadata["annotations"] = kept
    made["metadata"] = metadata
    return value(_without_env(made))


def _without_env(found: Any) -> Any:
    if isinstance(found, list):
        return [_without_env(one) for one in found]
    if not isinstance(found, Mapping):
        return found
    return {
        name: [{"name": one.get("name")} for one in below if isinstance(one, Mapping)]
        if name == "env" and isinstance(below, list)
        else _without_env(below)
        for name, below in found.items()
    }


def _is_secret(name: str) -> bool:
    return bool(_NAMED.fullmatch(name)) and not _HARMLESS.fullmatch(name)
