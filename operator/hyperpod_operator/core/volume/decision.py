"""What a concern about a volume may answer, and the snapshot that it judges."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import InSync, LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.location import NOWHERE, Location, eks_cluster_of
from hyperpod_operator.core.volume.claim import CREATED, Claim
from hyperpod_operator.core.volume.observed import Observed
from hyperpod_operator.core.volume.plan import Step
from hyperpod_operator.core.volume.ports import Volume
from hyperpod_operator.core.volume.timings import VolumeTimings


@dataclass(frozen=True, kw_only=True)
class ClaimSnapshot:
    """The spec, the world, the time."""

    claim: Claim
    observed: Observed
    now: datetime
    here: Location = NOWHERE
    """Where this pass asks AWS."""
    timings: VolumeTimings = field(default_factory=VolumeTimings)

    @cached_property
    def volume(self) -> Volume | None:
        """The claim's volume: the one with the claim's tag, else the one that its id names, which proves nothing; else
        the one of an earlier claim of this name, where the policy lets it be taken over. None where several have the
        tag and nothing tells which one the claim made."""
        if not self.observed.tagged:
            return self.observed.volume or self._inherited
        if self.ambiguous:
            return None
        named, tagged = self.observed.volume, next(iter(self._candidates), None)
        if tagged is not None and self.claim.spec.source.create is not None:
            return tagged
        return named or tagged or self._inherited

    @property
    def ambiguous(self) -> tuple[Volume, ...]:
        """The volumes with the claim's tag, where they are several and neither status nor a PersistentVolume tells
        which one the claim made: tags are copied with a snapshot or a restore, and age proves nothing."""
        found = self._candidates
        return tuple(sorted(found, key=lambda volume: volume.volume_id)) if len(found) > 1 else ()

    @property
    def copies(self) -> tuple[Volume, ...]:
        """What carries the claim's tag and is not the volume that the claim is about: made with that one's tags."""
        return tuple(volume for volume in self._tagged if volume not in self._candidates)

    @property
    def settled_on(self) -> str:
        """The volume that the claim made and saw usable, by status; where that was lost, by the PersistentVolume, which
        is made for no other. Empty before, and for a claim that adopts."""
        published = self.observed.persistent_volume
        if self.claim.settled_on or self.claim.origin != CREATED or published is None:
            return self.claim.settled_on
        return published.volume_id if published.claim_uid == self.claim.uid else ""

    @property
    def _candidates(self) -> tuple[Volume, ...]:
        """One that CreateVolume returned to this very claim is the one, also before it is usable."""
        asked_for = self.claim.volume_id if self.claim.requested and self.claim.origin == CREATED else ""
        made = [volume for volume in self._tagged if volume.volume_id == asked_for]
        if made and not self.settled_on:
            return tuple(made)
        return tuple(volume for volume in self._tagged if self.settled_on in {"", volume.volume_id})

    @property
    def _tagged(self) -> tuple[Volume, ...]:
        return tuple(volume for volume in self.observed.tagged if volume.state not in {"deleting", "deleted"})

    @property
    def _inherited(self) -> Volume | None:
        """Only where there is exactly one: which of several is meant, nobody but a person can say."""
        former = self.observed.former or ()
        return former[0] if len(former) == 1 and self.claim.adopts else None

    @property
    def cluster_arn(self) -> str:
        return self.observed.cluster.arn if self.observed.cluster else ""

    @property
    def in_service(self) -> bool:
        """Whether SageMaker takes attach and detach calls for the cluster."""
        # [assumption: attach-needs-in-service]
        return self.observed.cluster is not None and self.observed.cluster.status == "InService"

    @property
    def eks_cluster_arn(self) -> str:
        return eks_cluster_of(self.observed.cluster.members) if self.observed.cluster else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Make this one step, then end the pass."""

    step: Step
    reason: Reason
    message: str


Action = Act | LookAgain | RemoveFinalizer
"""What a pass does."""
Decision = Action | Wait
"""What a policy answers."""
Conclusion = Decision | InSync
"""What a pass comes to: InSync where no concern acts or waits."""
