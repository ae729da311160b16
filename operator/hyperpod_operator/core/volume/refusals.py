"""What a refused call about a volume means: EC2's codes first, then the kinds that all calls share.

EC2 says more than SageMaker's ValidationException, so its code decides wherever it is known. One flat table; what
is not in it falls back to `core.errors.TREATMENTS`.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.journal import entry_of, rejected
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.errors import SLOW, TREATMENTS, CloudError, ErrorKind, Treatment
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.plan import Attach, CloudStep, CreateVolume, Detach, concern, fingerprint
from hyperpod_operator.core.volume.timings import PAUSE_MOST

NO_ROOM = "AttachmentLimitExceeded"
GROWS_FROM = 20.0
"""Seconds of the shortest pause that doubles, up to `SLOW`, while AWS refuses the very same call; shorter ones are
steps on a way."""
OTHER_ZONE = "InvalidVolume.ZoneMismatch"
OF_THE_NODE = frozenset({NO_ROOM, OTHER_ZONE, "IncorrectInstanceState", "InvalidInstanceID.NotFound"})
"""EC2's codes by which this node does not get the volume, and another one may."""
UNKNOWN_VOLUME = "InvalidVolume.NotFound"
TAKEN_REQUEST = "IdempotentParameterMismatch"
DEFINITE = frozenset(
    {
        ErrorKind.INVALID,
        ErrorKind.DENIED,
        ErrorKind.QUOTA,
        ErrorKind.THROTTLED,
        ErrorKind.UNREACHABLE,
        ErrorKind.CREDENTIALS,
        ErrorKind.BUSY,
        ErrorKind.NOT_FOUND,
        ErrorKind.ROLE_PROPAGATION,
        ErrorKind.WRONG_ENDPOINT,
        ErrorKind.CLOCK,
        ErrorKind.ACCOUNT,
    }
)
"""Kinds after which the call has certainly done nothing."""

_MOVED = Treatment(
    Reason.SETTLING,
    "The state in AWS has changed; the operator reads again before it does anything, with backoff.",
    at_least=5.0,
)
_NOT_KNOWN_YET = Treatment(
    Reason.SETTLING,
    "EC2 does not know the new volume everywhere yet, which can take minutes; the operator sends the call again. "
    "Nothing to do.",
    after=GROWS_FROM,
)
_AT_ODDS = replace(
    _MOVED,
    remedy="EC2 shows a state that fits this call, and AWS has refused it several times in a row. Look at the "
    "volume with aws ec2 describe-volumes; if you find nothing that holds it, ask AWS Support. The operator sends the "
    "call again every 5 minutes.",
    stalled=True,
    after=SLOW,
    at_least=0.0,
)
AT_ODDS_AFTER = 6
"""Refusals of the very same call before what EC2 shows is doubted: with the queue's pauses one to five minutes."""
_INVALID = replace(
    TREATMENTS[ErrorKind.INVALID],
    remedy="Correct the spec. The operator sends the same request again every 5 minutes, and when you set the "
    "annotation hyperpod-operator.dev/reconcile-requested-at.",
)
_RATE = Treatment(
    Reason.RATE_LIMITED,
    "Nothing to do: the operator retries every half an hour until AWS allows the next modification of this volume.",
    after=PAUSE_MOST,
)
_LIMIT = Treatment(
    Reason.QUOTA_EXCEEDED,
    "Request a higher quota in AWS Service Quotas, or request less in spec.volume; the operator retries every 5 "
    "minutes.",
    stalled=True,
    after=SLOW,
)
_SNAPSHOT_LIMIT = replace(
    _LIMIT,
    remedy="Delete snapshots that are not needed, or request a higher quota in AWS Service Quotas; the operator "
    "retries every 5 minutes.",
)
_TAGS = Treatment(
    Reason.SPEC_REJECTED,
    "A volume has 50 tags at most: remove some from it in EC2, or from volume.tags; the operator retries every 5 "
    "minutes.",
    stalled=True,
    after=SLOW,
)
_NONE_LEFT = Treatment(
    Reason.CREATING_VOLUME,
    "AWS has no room for volumes of this type in this zone now. Nothing to do if that passes; otherwise create another "
    "claim with another volumeType or zone.",
    after=60.0,
)
_FULL = Treatment(
    Reason.ATTACHMENT_LIMIT,
    "The node has no free attachment slot: detach another volume there, or choose another target.",
    stalled=True,
    after=SLOW,
)
_ZONE = Treatment(
    Reason.AZ_MISMATCH,
    "Choose a target in the volume's zone, or create a volume from a snapshot in the node's zone.",
    stalled=True,
    after=SLOW,
)
_SNAPSHOTS = Treatment(
    Reason.SNAPSHOTTING,
    "Other snapshots of this volume are in progress; the operator retries when they are done.",
    after=60.0,
)

_INSTANCE = Treatment(
    Reason.NODE_NOT_RUNNING,
    "AWS attaches nothing to this instance now. Nothing to do if that passes; otherwise repair or replace the node, or "
    "choose another target.",
    after=60.0,
)

# [assumption: attach-may-fail-later]
_KEY = replace(
    TREATMENTS[ErrorKind.DENIED],
    remedy="EBS cannot use the KMS key of the volume: enable that key, and let its policy allow the operator's role to "
    "create grants (kms:CreateGrant; docs/iam.md); the operator retries every 5 minutes.",
)

# [assumption: ec2-errors-are-wrapped]
EC2_TREATMENTS: Mapping[str, Treatment] = MappingProxyType(
    {
        "IncorrectInstanceState": _INSTANCE,
        "InvalidInstanceID.NotFound": _INSTANCE,
        "VolumeInUse": _MOVED,
        "IncorrectState": _MOVED,
        "InvalidAttachment.NotFound": _MOVED,
        UNKNOWN_VOLUME: _MOVED,
        TAKEN_REQUEST: Treatment(
            Reason.CREATING_VOLUME,
            "An earlier attempt used this token, and if AWS does not show its volume, that failed: check the KMS "
            "key of source.create. The operator uses another token next.",
            after=15.0,
        ),
        OTHER_ZONE: _ZONE,
        NO_ROOM: _FULL,
        "IncorrectModificationState": Treatment(
            Reason.MODIFYING, "The previous modification is not complete; the operator retries when it is.", after=60.0
        ),
        "VolumeModificationRateExceeded": _RATE,
        "VolumeModificationSizeLimitExceeded": _LIMIT,
        "MaxIOPSLimitExceeded": _LIMIT,
        "VolumeLimitExceeded": _LIMIT,
        "MaxStorageExceeded": _LIMIT,
        "SnapshotLimitExceeded": _SNAPSHOT_LIMIT,
        "InsufficientVolumeCapacity": _NONE_LEFT,
        "TagLimitExceeded": _TAGS,
        "ConcurrentSnapshotLimitExceeded": _SNAPSHOTS,
        "SnapshotCreationPerVolumeRateExceeded": _SNAPSHOTS,
        "UnauthorizedOperation": TREATMENTS[ErrorKind.DENIED],
        "CustomerKeyHasBeenRevoked": _KEY,
        "InvalidKMSKey.InvalidState": _KEY,
    }
)

_CLOSED = Treatment(
    Reason.CLUSTER_NOT_IN_SERVICE,
    "AWS attaches and detaches volumes only while the cluster is InService; the operator retries then.",
    after=GROWS_FROM,
)
_SHUT = Treatment(
    Reason.ATTACHMENT_REFUSED,
    "DescribeCluster reports the cluster as InService, and AWS has refused the same call for more than five "
    "minutes. Check whether an instance group of the cluster changes or fails, and ask AWS Support if none does. The "
    "operator sends the call again every 5 minutes, and when the cluster's status changes.",
    stalled=True,
    after=SLOW,
)
# [assumption: validation-may-be-state]
_BY_WORDS = replace(
    _INVALID,
    remedy="If that is a state which passes, nothing is to do; otherwise correct the spec. The operator sends the same "
    "request again every 5 minutes, and when you set the annotation hyperpod-operator.dev/reconcile-requested-at.",
)
"""AWS calls the request invalid with words that can be about a state and about a rule."""
_PASSING = ("inservice", "creating", "updating", "deleting", "rollingback")
"""ClusterStatus, in lower case: what names one is about the state of the cluster."""
_INSTEAD = Treatment(Reason.NODE_NOT_RUNNING, "Another node of the group is next.", after=1.0)
_NEXT_NODE = {
    NO_ROOM: Treatment(
        Reason.ATTACHMENT_LIMIT, "The node has no free attachment slot; another node of the group is next.", after=1.0
    ),
    OTHER_ZONE: Treatment(
        Reason.ATTACHING, "The node is in another zone; another node of the group is next.", after=1.0
    ),  # AZMismatch needs user action
}
_NOT_YET = Treatment(
    Reason.CREATING_VOLUME,
    "The operator sends the call again until the snapshot is completed. Nothing to do.",
    after=60.0,
)


_NAMED_IN = MappingProxyType(
    {
        "InvalidSnapshot": "source.create.snapshotId",
        "InvalidZone": "source.create.availabilityZone or availabilityZoneId",
        "InvalidKey": "source.create.kmsKeyId",
        "InvalidKmsKey": "source.create.kmsKeyId",
    }
)
"""Which member of the spec an `….NotFound` of CreateVolume is about, by what comes before the dot."""


_UNUSABLE = Treatment(
    Reason.SPEC_REJECTED,
    "source.create.snapshotId names a snapshot that no volume can be created from. source cannot change: delete this "
    "claim and apply it with another snapshot; the operator retries every 5 minutes.",
    stalled=True,
    after=SLOW,
)


def _not_there(error: CloudError) -> Treatment:
    """CreateVolume names something that does not exist: nobody but the spec's author can put that right."""
    member = _NAMED_IN.get(error.ec2_code.partition(".")[0], "source.create")
    return Treatment(
        Reason.SPEC_REJECTED,
        f"{member} names something that AWS does not have in this account and Region. source cannot change: delete "
        "this claim and apply it with the right value, or create what is named; the operator retries every 5 "
        "minutes.",
        stalled=True,
        after=SLOW,
    )


def treated(snapshot: ClaimSnapshot, step: CloudStep, error: CloudError) -> Treatment:
    """What follows from this refusal, after those of the very same call that the journal has."""
    last = entry_of(snapshot.claim.status.operations, concern(step))
    again = last is not None and rejected(last) and last.fingerprint == fingerprint(step)
    before = (last.rejections or 0) if again and last is not None else 0
    return treatment(step, error, by_group=snapshot.claim.by_group, before=before, new=_is_new(snapshot))


# [assumption: new-may-be-not-found]
def _is_new(snapshot: ClaimSnapshot) -> bool:
    """Whether the volume was made so lately that a call about it may say that there is none."""
    made = snapshot.volume.create_time if snapshot.volume is not None else None
    return made is not None and (snapshot.now - made).total_seconds() < snapshot.timings.unseen


def treatment(step: CloudStep, error: CloudError, *, by_group: bool, before: int = 0, new: bool = False) -> Treatment:
    """What follows from this refusal of this step, which was refused so often in a row before: a pause grows. `new`:
    the volume is."""
    found = _of_one(step, error, by_group=by_group)
    if new and error.ec2_code == UNKNOWN_VOLUME:
        found = _NOT_KNOWN_YET
    if found is _MOVED and before >= AT_ODDS_AFTER:
        return _AT_ODDS
    if found.after is None or not GROWS_FROM <= found.after < SLOW:
        return found
    pause = growing(first=found.after, most=SLOW, attempts=before + 1)
    return _SHUT if found is _CLOSED and pause >= SLOW else replace(found, after=pause)


def _of_one(step: CloudStep, error: CloudError, *, by_group: bool) -> Treatment:
    if error.ec2_code in OF_THE_NODE and isinstance(step, Attach) and by_group:
        return _NEXT_NODE.get(error.ec2_code, _INSTEAD)
    if isinstance(step, CreateVolume) and error.ec2_code == "IncorrectState":
        return _NOT_YET if "pending" in error.message.lower() else _UNUSABLE
    if isinstance(step, CreateVolume) and error.ec2_code.endswith(".NotFound"):
        return _not_there(error)
    if error.ec2_code in EC2_TREATMENTS:
        return EC2_TREATMENTS[error.ec2_code]
    if isinstance(step, Attach | Detach) and (error.kind is ErrorKind.BUSY or _names_the_gate(error)):
        return _BY_WORDS if _may_be_a_rule(error) else _CLOSED
    if error.kind is not ErrorKind.INVALID:
        return TREATMENTS[error.kind]
    # The spec says where a volume is attached, and nothing about how.
    return _BY_WORDS if isinstance(step, Attach | Detach) else _INVALID


def _may_be_a_rule(error: CloudError) -> bool:
    """Whether nothing but a common word, as in "... not while ...", speaks of a state."""
    named = any(status in error.message.lower() for status in _PASSING)
    return error.code == "ValidationException" and not error.ec2_code and not named


def _names_the_gate(error: CloudError) -> bool:
    """SageMaker's own ValidationException about the state that the cluster has to be in: only its text tells it from a
    request that will never be right. It is seen when the cluster changes right after it was looked at."""
    return error.kind is ErrorKind.INVALID and not error.ec2_code and "inservice" in error.message.lower()


def kept_back(treated: Treatment) -> bool:
    """Whether the very same call waits for its time although something else wakes the claim."""
    return treated.after is not None and treated.after >= GROWS_FROM


def token_is_burnt(step: CloudStep, error: CloudError) -> bool:
    return isinstance(step, CreateVolume) and error.ec2_code == TAKEN_REQUEST
