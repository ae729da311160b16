"""Who may call what: keys that expired, actions that are denied. Any other key may do anything."""

import datetime
import threading
from collections.abc import Mapping
from typing import Literal

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.spelling import spellings
from hyperpod_testbed.simulator.verbs import verb

EXPIRED = "The security token included in the request is expired"
TOLERANCE = 300.0
"""Seconds that a caller's clock may be off."""
Why = Literal["implicit", "explicit", "scp", "boundary", "vpc_endpoint", "encoded"]
_REASONS: Mapping[Why, str] = {
    "implicit": "because no identity-based policy allows the {action} action",
    "explicit": "with an explicit deny in an identity-based policy",
    "scp": "with an explicit deny in a service control policy",
    "boundary": "because no permissions boundary allows the {action} action",
    "vpc_endpoint": "because no VPC endpoint policy allows the {action} action",
    "encoded": "because no identity-based policy allows the {action} action. Encoded authorization failure message: "
    "4mB2kqW8hZ0xTqYw",
}
"""The ends of IAM's sentence (IAM user guide, troubleshooting access denied messages)."""


class Access:
    """The permissions of access keys."""

    def __init__(self, *, account: str) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._expired: set[str] = set()
        self._denied: dict[tuple[str | None, str], Why] = {}
        self._skew = 0.0

    @verb
    def expire(self, access_key: str) -> None:
        """Calls with this key answer ExpiredTokenException from now on."""
        with self._lock:
            self._expired.add(access_key)

    @verb
    def renew(self, access_key: str) -> None:
        """The key works again."""
        with self._lock:
            self._expired.discard(access_key)

    @verb
    def deny(self, operation: str, access_key: str | None = None, why: Why = "implicit") -> None:
        """Calls of the operation answer AccessDeniedException, for one key or for all.

        An operation can be named alone or after its service: SageMaker and EC2 both have DeleteTags. Rights that AWS
        asks of the caller elsewhere (`iam:PassRole`, `eks:CreateAccessEntry`) are denied by their action.
        """
        with self._lock:
            self._denied[access_key, operation] = why

    @verb
    def skew_clock(self, seconds: float) -> None:
        """The callers' clocks are off by so much; more than five minutes, and AWS refuses their signatures."""
        with self._lock:
            self._skew = seconds

    @verb
    def allow(self, operation: str, access_key: str | None = None) -> None:
        """Take a denial back."""
        with self._lock:
            self._denied.pop((access_key, operation), None)

    @verb
    def clear(self) -> None:
        """Every key may do everything again."""
        with self._lock:
            self._expired.clear()
            self._denied.clear()
            self._skew = 0.0

    def principal(self, access_key: str) -> str:
        """The ARN that GetCallerIdentity reports for a key."""
        return f"arn:aws:sts::{self._account}:assumed-role/hyperpod-testbed/{access_key.lower()}"

    def require_valid(self, access_key: str) -> None:
        """Refuse an expired key."""
        with self._lock:
            if access_key in self._expired:
                raise AwsError("ExpiredTokenException", EXPIRED)

    def require_clock(self, now: float) -> None:
        """Refuse a signature that is too old or from the future."""
        with self._lock:
            skew = self._skew
        if abs(skew) <= TOLERANCE:
            return
        ours, theirs = (
            datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
            for moment in (now, now + skew)
        )
        word, order = ("expired", "earlier") if skew < 0 else ("not yet current", "later")
        raise AwsError("InvalidSignatureException", f"Signature {word}: {theirs} is now {order} than {ours} (5 min.)")

    def require_allowed(
        self, access_key: str, operation: str, *, resource: str, service: str = "sagemaker", action: str | None = None
    ) -> None:
        """Refuse a denied action, in IAM's words; `action` where it is not called like the operation."""
        full = operation if ":" in operation else f"{service}:{action or operation}"
        names = {operation} if ":" in operation else {full, *spellings(service, operation)}
        with self._lock:
            keys = [(key, name) for key in (None, access_key) for name in sorted(names)]
            why = next((self._denied[key] for key in keys if key in self._denied), None)
        if why is None:
            return
        raise AwsError(
            "AccessDeniedException",
            f"User: {self.principal(access_key)} is not authorized to perform: {full} on resource: {resource} "
            + _REASONS[why].format(action=full),
        )

    def denied_to_all(self, action: str) -> Why | None:
        """Why an action, after its service, is denied to every key; None when it is not."""
        service, _, operation = action.partition(":")
        with self._lock:
            return next(
                (self._denied[None, one] for one in spellings(service, operation) if (None, one) in self._denied), None
            )
