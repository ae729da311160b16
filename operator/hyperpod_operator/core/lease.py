"""Which Lease elects the leader, and its times. One place, so that flags, documents and the election agree."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Times in seconds, with client-go's names and defaults (`tools/leaderelection`).

    `duration`: how long a lease counts after it was last renewed. `renew_deadline`: how long after that its
    leader may write, and tries to renew. `retry_period`: between two renewals; a standby asks four times as often.
    An empty `namespace` is the pod's own, outside of a pod `default`. `serves` are the namespaces of the resources that
    the leader reconciles; none are all.
    """

    namespace: str = ""
    name: str = "hyperpod-operator"
    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    serves: tuple[str, ...] = ()

    def problem(self) -> str | None:
        """What is wrong with the times, and what to set; None when they fit each other."""
        if self.duration <= self.renew_deadline:
            return (
                f"--lease-duration ({self.duration:g}) must be longer than --renew-deadline ({self.renew_deadline:g}): "
                "the old leader stops writing at the deadline, the next one starts when the lease is over."
            )
        if self.renew_deadline <= 1.2 * self.retry_period:
            return (
                f"--renew-deadline ({self.renew_deadline:g}) must be longer than 1.2 times --retry-period "
                f"({self.retry_period:g}): a leader needs more than one try to renew."
            )
        if self.retry_period < 1:
            return f"--retry-period ({self.retry_period:g}) must be at least 1 second."
        return None
