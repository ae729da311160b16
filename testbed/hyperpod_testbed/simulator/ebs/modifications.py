"""ModifyVolume and DescribeVolumesModifications.

One at a time, and at most four in a day: what an operator does too eagerly is refused here as on AWS. A call that
changes nothing counts like any other.
"""

import datetime
from typing import Any

from hyperpod_testbed.simulator.ebs import lists, present, rules
from hyperpod_testbed.simulator.ebs.errors import incorrect_state, invalid, missing, require_wet, volume_not_found
from hyperpod_testbed.simulator.ebs.state import Modification, Volume
from hyperpod_testbed.simulator.ebs.volumes import check_storage, volume_of
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

A_DAY = 4
"""Modifications in the window (API reference of ModifyVolume)."""
SIX_HOURS = 6 * 3600.0
FAILED = "The modification could not be carried out; the volume is unchanged."

_FIELDS: dict[str, Any] = {
    "volume-id": lambda one: one.id,
    "modification-state": lambda one: one.modification.status,
    "target-size": lambda one: one.modification.target.get("Size"),
    "target-iops": lambda one: one.modification.target.get("Iops"),
    "target-volume-type": lambda one: one.modification.target.get("VolumeType"),
    "original-size": lambda one: one.modification.original.get("Size"),
    "original-iops": lambda one: one.modification.original.get("Iops"),
    "original-volume-type": lambda one: one.modification.original.get("VolumeType"),
}


def modify_volume(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ModifyVolume: grows, changes type and performance, while the volume is in use."""
    one = volume_of(region, request)
    if one.status not in {"in-use", "available"}:
        raise incorrect_state(f"Volume '{one.id}' is in the '{one.status}' state and cannot be modified.")
    if not any(name in request for name in ("Size", "VolumeType", "Iops", "Throughput", "MultiAttachEnabled")):
        raise missing("size", "volumeType", "iops", "throughput")
    target = _target(one, request)
    running = one.modification
    if running and running.status in {"modifying", "optimizing"}:
        raise AwsError(
            "IncorrectModificationState",
            f"Cannot modify volume {one.id} while its modification is in the state {running.status.upper()}.",
        )
    grows = target["Size"] - (one.size if target["VolumeType"] == one.type else 0)
    check_storage(sim, region, target["VolumeType"], more=grows)
    _check_rate(sim, one)
    require_wet(bool(request.get("DryRun")))
    fails = region.ebs.script.failing_modifications > 0
    if fails:
        region.ebs.script.failing_modifications -= 1
    one.modified_at.append(sim.now)
    one.modification = change = Modification(start=sim.now, original=_properties(one), target=target)
    sim.timeline.after(sim.timings.volume_modify, lambda: _modified(sim, one, change, fails=fails))
    return {"VolumeModification": present.modification(one, change)}


def describe_modifications(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVolumesModifications: the latest of each volume, if there was one."""
    ids = request.get("VolumeIds") or []
    lists.check_ids(ids, prefix="vol", parameter="volumeId")
    known = region.ebs.volumes
    if absent := [one for one in ids if one not in known]:
        raise volume_not_found(*absent)
    never = [one for one in ids if known[one].modification is None]
    if never and sim.options.never_modified == "error":
        raise AwsError("InvalidVolumeModification.NotFound", f"Modification for volume '{never[0]}' does not exist.")
    found = [known[one] for one in dict.fromkeys(ids)] if ids else list(known.values())
    found = [one for one in found if one.modification]
    found = lists.matching(found, request, fields=_FIELDS)
    answer = lists.page(sim, found, request, operation="DescribeVolumesModifications", ids="VolumeIds")
    require_wet(bool(request.get("DryRun")))
    items = [present.modification(one, one.modification) for one in answer.pop("items") if one.modification]
    return {"VolumesModifications": items, **answer}


def _target(one: Volume, request: JSON) -> JSON:
    kind = request.get("VolumeType") or one.type
    size = request.get("Size", one.size)
    if size < one.size:
        raise invalid(f"New size cannot be smaller than existing size. It is {one.size}GiB, {size}GiB was asked for.")
    iops, throughput = request.get("Iops"), request.get("Throughput")
    if kind != one.type:
        checked = rules.performance(kind, iops=iops, throughput=throughput)
    else:
        own = rules.TYPES[kind]
        checked = {
            "iops": iops if iops is not None else (one.iops if own.iops else None),
            "throughput": throughput if throughput is not None else one.throughput,
        }
    iops, throughput = rules.check(kind, size=size, **checked)
    multi = request.get("MultiAttachEnabled", one.multi_attach)
    rules.check_multi_attach(kind, wanted=multi)
    return _without_nothing(Size=size, VolumeType=kind, Iops=iops, Throughput=throughput, MultiAttachEnabled=multi)


def _properties(one: Volume) -> JSON:
    return _without_nothing(
        Size=one.size,
        VolumeType=one.type,
        Iops=one.iops,
        Throughput=one.throughput,
        MultiAttachEnabled=one.multi_attach,
    )


def _without_nothing(**members: Any) -> JSON:
    return {name: value for name, value in members.items() if value is not None}


def _check_rate(sim: Simulation, one: Volume) -> None:
    if sim.options.modification_limit == "six_hours":
        window, most = SIX_HOURS, 1
        what = "Wait at least 6 hours between modifications per EBS volume."
    else:
        window, most = sim.timings.modification_window, A_DAY
        what = f"A volume can be modified {A_DAY} times in 24 hours."
    recent = [when for when in one.modified_at if sim.now - when < window]
    if len(recent) < most:
        return
    free = datetime.datetime.fromtimestamp(recent[-most] + window, datetime.UTC)
    raise AwsError(
        "VolumeModificationRateExceeded",
        f"You've reached the maximum modification rate per volume limit. {what} "
        f"The next modification of {one.id} is possible at {free:%Y-%m-%dT%H:%M:%SZ}.",
    )


def _modified(sim: Simulation, one: Volume, change: Modification, *, fails: bool) -> None:
    if fails:
        change.status, change.message, change.end = "failed", FAILED, sim.now
        return
    target = change.target
    one.size, one.type = target["Size"], target["VolumeType"]
    one.iops, one.throughput = target.get("Iops"), target.get("Throughput")
    one.multi_attach = target["MultiAttachEnabled"]
    change.status = "optimizing"

    def done() -> None:
        change.status, change.end = "completed", sim.now

    sim.timeline.after(sim.timings.volume_optimize, done)
