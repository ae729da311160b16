"""Metrics of EBSVolumeClaims."""

from functools import partial

from hyperpod_operator.api.metrics.instrument import OBJECT, Counter, Gauge, Histogram, ObjectGauge, P, Samples, true
from hyperpod_operator.api.metrics.suspended import suspended
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.volume.bounds import MODIFICATIONS_A_DAY
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus as Status

SECTION = "Are the volumes ready?"
_gauge = partial(Gauge, section=SECTION)
_histogram = partial(Histogram, section=SECTION, unit="seconds")

VOLUME_STEPS = Counter(
    section=SECTION,
    name=P + "volume_steps_total",
    labels=("operation", "code"),
    unit="steps",
    help="Steps of claims in AWS and Kubernetes, by operation and result: OK, EC2's error code (also where SageMaker "
    "wraps it), else SageMaker's, or the HTTP status of the API server.",
    read="A code other than `OK` that keeps increasing: the claim's condition has the error",
)
VOLUME_ATTACH_SECONDS = _histogram(
    name=P + "volume_attach_seconds",
    labels=("moved",),
    help="From the attach call until AWS reports the volume as attached; moved=true: it came from another node.",
    read='How long pods wait for a volume; `moved="true"`: after their node was lost',
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)
VOLUME_DETACH_SECONDS = _histogram(
    name=P + "volume_detach_seconds",
    help="From the need for a detach until AWS reports the volume as available.",
    read="Long: a pod or a mount on the node uses the volume",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600),
)
VOLUME_FOLLOW_SECONDS = _histogram(
    name=P + "volume_follow_seconds",
    help="From the report of AWS that a volume's node is gone until the volume is attached to another node.",
    read="How long data was unavailable when its node was replaced; `_count` is how often",
    buckets=(5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600),
)
VOLUMES_ORPHANED = _gauge(
    name=P + "volumes_orphaned",
    labels=("region",),
    unit="volumes",
    help="EBS volumes with the tag of a claim of this EKS cluster that no longer exists; they incur cost. Counted "
    "every 9 minutes; the log names them.",
    read="Above 0: volumes are billed and belong to claims that are gone",
)


def _ready(status: Status) -> Samples:
    yield (), float(true(status.conditions, ConditionType.READY))


def _modifications_left(status: Status) -> Samples:
    used = (status.modification.used24h or 0) if status.modification else 0
    yield (), float(max(0, MODIFICATIONS_A_DAY - used))


GAUGES: tuple[ObjectGauge[Status], ...] = (
    ObjectGauge(
        instrument=_gauge(
            name=P + "volume_claims",
            labels=("phase",),
            unit="claims",
            help="EBSVolumeClaims by phase, as status.phase has it: Pending, Creating, Available, Attaching, Attached "
            "and so on.",
            read="Many in `Attaching` or `Detaching`: AWS is slow, or pods use the volumes",
        ),
        read=lambda status: [((status.phase or "Pending",), 1.0)],
        summed=True,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "volume_claim_ready",
            labels=OBJECT,
            unit="0 or 1",
            help="1 when the claim's Ready condition is True, 0 otherwise.",
            read="0: `kubectl describe evc` says why",
        ),
        read=_ready,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "volume_claim_suspended",
            labels=OBJECT,
            unit="0 or 1",
            help="1 while the claim is as a person wants it to be: it is paused, or its attachment is suspended. 0 "
            "otherwise.",
            read="1: no alert about Ready fires, whatever becomes of a paused claim. Argo CD shows Suspended",
        ),
        read=suspended,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "volume_claim_modifications_left",
            labels=OBJECT,
            unit="modifications",
            help="Modifications of the volume that AWS still allows in the running 24 hours.",
            read="0: the next change of size or speed has to wait, up to 24 hours",
        ),
        read=_modifications_left,
    ),
)
