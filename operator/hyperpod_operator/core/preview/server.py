"""What the API server says to a manifest that it is asked about and does not store.

The models of this operator check types and values. The CEL rules of the CustomResourceDefinitions, the admission
policies and the webhooks of the cluster are the API server's alone.
"""

import re
from dataclasses import dataclass

NOT_ALLOWED = re.compile(r'\bUser "[^"]*" cannot \w+ resource\b')
"""In a 403: the caller lacks the right. Every other 403 is the answer of an admission policy, a webhook or a quota
(kubernetes.io, "Authorization Overview")."""
OF_THE_CONTENT = frozenset({400, 403, 413, 422})
"""HTTP statuses by which the API server turns down what is sent, and not how or when."""


@dataclass(frozen=True, kw_only=True)
class ServerCheck:
    """`rejected`: why the API server does not take the manifest; `unasked`: why its answer is not known. Both are empty
    where it takes the manifest. `warnings` are those of admission policies, for whoever applies it."""

    rejected: str = ""
    unasked: str = ""
    warnings: tuple[str, ...] = ()


def server_check(*, status: int, message: str, warnings: tuple[str, ...] = ()) -> ServerCheck:
    """The check that an HTTP status and the API server's own words amount to; 0 is no answer at all."""
    if 200 <= status < 300:
        return ServerCheck(warnings=warnings)
    if status in OF_THE_CONTENT and not NOT_ALLOWED.search(message):
        return ServerCheck(rejected=message, warnings=warnings)
    return ServerCheck(unasked=message, warnings=warnings)
