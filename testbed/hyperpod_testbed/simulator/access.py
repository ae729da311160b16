"""Who may call what: keys that expired, actions that are denied. Any other key may do anything."""

import threading

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.verbs import verb

EXPIRED = "The security token included in the request is expired"


class Access:
    """The permissions of access keys."""

    def __init__(self, *, account: str) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._expired: set[str] = set()
        self._denied: set[tuple[str | None, str]] = set()

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
    def deny(self, operation: str, access_key: str | None = None) -> None:
        """Calls of the operation answer AccessDeniedException, for one key or for all.

        An operation can be named alone or after its service: SageMaker and EC2 both have DeleteTags.
        """
        with self._lock:
            self._denied.add((access_key, operation))

    @verb
    def allow(self, operation: str, access_key: str | None = None) -> None:
        """Take a denial back."""
        with self._lock:
            self._denied.discard((access_key, operation))

    @verb
    def clear(self) -> None:
        """Every key may do everything again."""
        with self._lock:
            self._expired.clear()
            self._denied.clear()

    def principal(self, access_key: str) -> str:
        """The ARN that GetCallerIdentity reports for a key."""
        return f"arn:aws:sts::{self._account}:assumed-role/hyperpod-testbed/{access_key.lower()}"

    def require_valid(self, access_key: str) -> None:
        """Refuse an expired key."""
        with self._lock:
            if access_key in self._expired:
                raise AwsError("ExpiredTokenException", EXPIRED)

    def require_allowed(self, access_key: str, operation: str, *, resource: str, service: str = "sagemaker") -> None:
        """Refuse a denied action, in IAM's words."""
        names = (operation, f"{service}:{operation}")
        with self._lock:
            if not self._denied & {(key, name) for key in (None, access_key) for name in names}:
                return
        raise AwsError(
            "AccessDeniedException",
            f"User: {self.principal(access_key)} is not authorized to perform: {service}:{operation} on resource: "
            f"{resource} because no identity-based policy allows the {service}:{operation} action",
        )
