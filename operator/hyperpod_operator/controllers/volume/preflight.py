"""Checks before a volume is created: gather facts, judge them, and hold the call if one fails."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.api.preflight import PreflightStatus
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.preflight.gate import ENFORCE, OFF, waits
from hyperpod_operator.core.preflight.ports import ClaimFacts
from hyperpod_operator.core.preflight.record import left, recorded
from hyperpod_operator.core.preflight.run import preflight
from hyperpod_operator.core.preflight.volume import CLAIM, ClaimSubject
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.plan import CreateVolume, Step


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
        mark = fingerprint(operation="Preflight", desired=spec)
        status, asked = claim.status.preflight, claim.requested_anew
        if status is None or asked or left(status, mark=mark, now=snapshot.now) <= 0:
            facts = await self.facts(snapshot.observed.region).gather_claim(claim.spec)
            result = preflight(CLAIM, ClaimSubject(spec=claim.spec, facts=facts))
            status = recorded(result, mark=mark, before=claim.status.preflight, now=snapshot.now, requested=asked)
        return status, waits(status, opening="CreateVolume is not sent:", mark=mark, mode=mode, now=snapshot.now)
