"""Checks before a volume is created: gather facts, judge them, and hold the call if one fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.preflight.gate import waits
from hyperpod_operator.core.preflight.modes import ENFORCE, OFF
from hyperpod_operator.core.preflight.ports import ClaimFacts
from hyperpod_operator.core.preflight.record import left, max_age, recorded
from hyperpod_operator.core.preflight.run import preflight
from hyperpod_operator.core.preflight.volume import ClaimSubject, Slots
from hyperpod_operator.core.preflight.volume_table import CLAIM
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.plan import CreateVolume, Step
from hyperpod_operator.core.volume.target import matching_nodes


@dataclass(frozen=True, kw_only=True)
class ClaimGate:
    """`facts` gives what reads AWS in a Region; `mode` is for claims that do not choose one."""

    facts: Callable[[str], ClaimFacts]
    mode: str = ENFORCE

    async def check(self, snapshot: ClaimSnapshot, step: Step) -> tuple[PreflightStatus | None, Wait | None]:
        """What the checks say, if a volume is about to be created, and why it is not if one fails."""
        claim = snapshot.claim
        mode = (claim.spec.management.preflight if claim.spec.management else None) or self.mode
        if not isinstance(step, CreateVolume) or mode == OFF:
            return None, None
        spec = claim.spec.model_dump(mode="json", exclude_none=True, include={"source", "volume"})
        known = seen(snapshot)
        # A node that comes in the volume's zone, or the last one that goes, is seen by this very pass.
        mark = fingerprint(operation="Preflight", desired=[spec, _has_node_in_zone(claim.spec, known)])
        status, asked = claim.status.preflight, claim.requested_anew
        if status is None or asked or left(status, mark=mark, now=snapshot.now) <= 0:
            age = max_age(status, requested=asked, now=snapshot.now)
            facts = await self.facts(snapshot.observed.region).gather_claim(claim.spec, max_age=age)
            facts = replace(facts, **known)
            result = preflight(CLAIM, ClaimSubject(spec=claim.spec, facts=facts))
            status = recorded(
                result, mark=mark, call="CreateVolume", before=claim.status.preflight, now=snapshot.now, requested=asked
            )
        return status, waits(status, opening="CreateVolume is not sent:", mark=mark, mode=mode, now=snapshot.now)


def _has_node_in_zone(spec: EBSVolumeClaimSpec, known: Mapping[str, Any]) -> bool:
    """Whether the zones of the target's nodes are not known, or have the one that the spec names."""
    source = spec.source.create
    named = (source.availabilityZone or source.availabilityZoneId) if source is not None else None
    return not named or "target_zones" not in known or named in known["target_zones"]


def seen(snapshot: ClaimSnapshot) -> Mapping[str, Any]:
    """The facts that this pass knows already: zones and free slots of the target, where they are known of each node."""
    found, nodes = dict[str, Any](), matching_nodes(snapshot)
    zones = [{node.availability_zone, node.availability_zone_id} - {""} for node in nodes]
    if zones and all(zones):
        found["target_zones"] = frozenset[str]().union(*zones)
    slots = [
        Slots(limit=node.limit, free=node.limit - count)
        for node in nodes
        if node.limit is not None and (count := snapshot.observed.attached_count(node)) is not None
    ]
    if slots and len(slots) == len(nodes):
        found["slots"] = max(slots, key=lambda one: one.free)
    return found
