"""Every duration that a decision about a volume depends on, in seconds, and the counts that go with them."""

from dataclasses import dataclass

from hyperpod_operator.api.volume.bounds import MODIFICATIONS_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTimings:
    """Durations in seconds. EC2 makes a volume in seconds and attaches one in seconds; what lasts is a node's life."""

    resync: float = 600.0
    """Between reconciles of a claim that is in sync."""
    poll: float = 10.0
    """Between reconciles while AWS is doing something that takes seconds."""
    watch: float = 60.0
    """Between reconciles while something outside of the operator has to end."""
    step: float = 1.0
    """After a step: usually another one is due."""
    brief: float = 0.05
    """After a step in Kubernetes whose effect the next read shows."""
    # [assumption: ec2-tags-have-no-compare-and-set]
    claiming: float = 2.0
    """After writing ownership tags: EC2's tags have no compare-and-set, so the next look tells who wrote last."""
    # [assumption: ec2-reads-lag]
    propagation_window: float = 30.0
    """How long EC2 may still show the state from before an accepted call."""
    # [assumption: new-may-be-not-found]
    visibility: float = 60.0
    """How long a volume or snapshot that was just made may be invisible."""
    deletion_confirmation: float = 5.0
    """How long something that AWS returned before must be missing before it counts as deleted. Longer than any
    answer is cached while something is to be done."""
    resend: float = 300.0
    """How long a call that AWS took, or that may have reached it, is not sent again although no read shows its effect:
    EC2 promises no limit for its lag, and nobody has measured when DescribeVolumes shows an attachment."""
    unseen: float = 600.0
    """How long something that AWS may have made (a volume, a snapshot, a modification) can stay invisible."""
    adoption_notice: float = 60.0
    """Between the announcement that a volume is adopted and the first change of it."""
    debounce: float = 15.0
    """Edits of size, type, IOPS and throughput are collected this long: four modifications a day are scarce."""
    stuck: float = 300.0
    """How long an attach, or the release by a lost node, may last before a detach is tried."""
    detach: float = 600.0
    """How long a detach may wait before it is reported, where the spec does not say (`detachTimeout`)."""
    refused: float = 300.0
    """How long a node that had no room is left out."""
    create_failures: int = 3
    """How many volumes in a row may end in error before a person has to look."""
    modifications: int = MODIFICATIONS_A_DAY
    """How many modifications of a volume AWS allows in 24 hours."""


PAUSE_MOST = 1800.0
"""Seconds of the longest pause after a refusal (`refusals`)."""
DAY = 86_400.0
"""Seconds of the window that modifications are counted in."""
