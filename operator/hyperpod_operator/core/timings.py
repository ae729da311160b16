"""Every duration that a decision depends on, in seconds, in one place. Configurable, so named and explained."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Durations in seconds.

    Their defaults come from what HyperPod does: a create takes 10 to 25 minutes, AWS publishes no rate limit
    for the cluster operations and about 10 describes a second have been seen to pass.
    """

    resync: float = 600.0
    """Between reconciles of a cluster that is in sync (jittered by 20 %): drift is noticed this late."""
    full_sync: float = 3600.0
    """Between full syncs, which also read the tags and nodes of a cluster that is in sync."""
    poll: float = 20.0
    """Between reconciles while AWS is changing something."""
    # [assumption: created-is-visible-in-time]
    visibility: float = 300.0
    """How long AWS may not return a cluster that was just created before it counts as missing."""
    debounce: float = 10.0
    """How long to collect further edits before the next call to AWS, so that a burst of edits becomes one call."""
    # [assumption: reads-lag]
    propagation_window: float = 60.0
    """How long DescribeCluster may still show the state from before an accepted change."""
    deletion_confirmation: float = 15.0
    """How long a cluster must be missing before it counts as deleted."""
    adoption_notice: float = 60.0
    """Between announcing what an adoption changes and adopting."""
    role_propagation: float = 5.0
    """Between tries while IAM propagates a new role."""
    role_propagation_attempts: int = 12
    rollback_backoff: float = 300.0
    """First pause before a change that AWS rolled back is tried again; doubles up to an hour."""
    rollback_backoff_most: float = 3600.0
    rest: float = 600.0
    """How long an accepted change that AWS does not show counts as not visible yet, and not as rolled back."""
    refusal: float = 1800.0
    """First pause before a request that AWS called invalid is sent again; doubles up to `refusal_most`."""
    refusal_most: float = 21600.0
    recreate_attempts: int = 3
    """How many failed creations `onCreateFailure: Recreate` clears away before it holds."""
