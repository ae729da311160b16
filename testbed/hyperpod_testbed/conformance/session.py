"""A run from its first call to the last one, and the removal of what it made, also when it is interrupted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hyperpod_testbed.conformance.caller import OverBudgetError
from hyperpod_testbed.conformance.record import Call
from hyperpod_testbed.conformance.run import Run, StepFailedError
from hyperpod_testbed.conformance.steps import STEPS
from hyperpod_testbed.conformance.target import RUN_TAG

MOST_NODES = 5
"""Nodes that the script has at once, counted with one that is being replaced and one that fails."""
CLEANING = 3600.0
"""Most seconds that the removal waits for a cluster to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended. `failed` has a line per step that did not end as planned, `left` what still exists."""

    failed: tuple[str, ...]
    left: tuple[str, ...]


def play(run: Run, *, say: Callable[[str], None]) -> Ended:
    """All steps in order, then the removal; a failure is noted, and a step that others need ends the script."""
    failed: list[str] = []
    try:
        for step in STEPS:
            say(f"{step.name}: {step.does}")
            try:
                step.run(run)
            except (StepFailedError, IndexError, KeyError, ValueError) as error:
                failed.append(f"{step.name}: {error!r}" if not isinstance(error, StepFailedError) else str(error))
                say(f"{step.name} ended early: {failed[-1]}")
                if step.needed:
                    break
    except OverBudgetError as error:
        failed.append(str(error))
        say(f"Stopped: {error}.")
    except KeyboardInterrupt:
        failed.append("interrupted")
        say("Interrupted.")
    finally:
        say("cleaning: everything with the tag of this run")
        left = clean(run)
    return Ended(failed=tuple(failed), left=left)


def clean(run: Run) -> tuple[str, ...]:
    """Delete what carries the tag of this run and nothing else; what remains, as lines with a command each."""
    run.caller.lift_limit()
    clusters = list(_clusters(run))
    for name in clusters:
        _delete(run, name)
    gone = {name for name in clusters if run.gone("cleaning.gone", name, most=CLEANING)}
    left = [
        f"cluster {name}: aws sagemaker delete-cluster --cluster-name {name}" for name in clusters if name not in gone
    ]
    mine = [{"Name": f"tag:{RUN_TAG}", "Values": [run.id]}]
    for volume in run.ec2("cleaning.volumes", "DescribeVolumes", Filters=mine).get("Volumes") or []:
        name = str(volume["VolumeId"])
        if not _removed(run, "DeleteVolume", "InvalidVolume.NotFound", VolumeId=name):
            left.append(f"volume {name}: aws ec2 delete-volume --volume-id {name}")
    for snapshot in run.ec2("cleaning.snapshots", "DescribeSnapshots", Filters=mine).get("Snapshots") or []:
        name = str(snapshot["SnapshotId"])
        if not _removed(run, "DeleteSnapshot", "InvalidSnapshot.NotFound", SnapshotId=name):
            left.append(f"snapshot {name}: aws ec2 delete-snapshot --snapshot-id {name}")
    return tuple(left)


def _delete(run: Run, name: str) -> None:
    """One DeleteCluster that AWS takes up; a busy cluster is asked again."""

    def taken_up() -> bool:
        call = run.call("cleaning.delete", "DeleteCluster", ClusterName=name)
        return call.code not in {"ConflictException", "ThrottlingException"}

    run.until(taken_up, most=CLEANING)


def _clusters(run: Run) -> Iterator[str]:
    """Clusters of this run by name, and by tag: a name alone is no proof."""
    listed = run.call("cleaning.list", "ListClusters", NameContains=run.cluster)
    for cluster in listed.get("ClusterSummaries") or []:
        tags = run.call("cleaning.tags", "ListTags", ResourceArn=cluster["ClusterArn"]).get("Tags") or []
        if {"Key": RUN_TAG, "Value": run.id} in tags:
            yield str(cluster["ClusterName"])


def _removed(run: Run, operation: str, not_found: str, **request: str) -> bool:
    """Whether it was deleted, or was gone already; one in use is tried for ten minutes."""
    last: list[Call] = []

    def done() -> bool:
        last[:] = [run.ec2("cleaning.remove", operation, **request)]
        return last[0].ok or last[0].code == not_found

    return run.until(done, most=600.0)
