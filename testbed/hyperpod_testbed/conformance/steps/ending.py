"""Deletion with an attached volume, what becomes of the volume, and when the EKS cluster is free again."""

from hyperpod_testbed.conformance.disk import attachments, volume_of, zone_of
from hyperpod_testbed.conformance.run import CLOSE_POLL, GROUP, Run
from hyperpod_testbed.conformance.steps.refusals import refused, undo


def end(run: Run) -> None:
    node = run.running("ending.nodes", GROUP)[0]["InstanceId"]
    arn = str(run.describe("ending.describe").get("ClusterArn"))
    with volume_of(run, "ending.volume", zone_of(run, "ending.zone", node)) as volume:
        run.call("ending.attach", "AttachClusterNodeVolume", ClusterArn=arn, NodeId=node, VolumeId=volume)
        attachments(run, "ending.attach.wait", volume, lambda found: found[:1] == ["attached"])
        run.call("ending.delete", "DeleteCluster", ClusterName=run.cluster)
        following = run.creation(run.group(GROUP, 0), name=run.third)
        refused(run, "ending.create-while-deleting", following)
        run.gone("ending.gone")
        run.ec2("ending.volume-after", "DescribeVolumes", VolumeIds=[volume])

        made: list[bool] = []

        def free() -> bool:
            call = run.call("ending.create-after", "CreateCluster", **following)
            made[:] = [call.ok]
            return not call.held

        run.until(free, every=CLOSE_POLL * 5, most=1800.0)
        if made == [True]:
            undo(run, "ending.clean", run.third)
