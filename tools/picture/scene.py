"""What happens while Prometheus looks on: something for every panel of the dashboard to show."""

import time

from hyperpod_operator.api.names import INSTANCE_GROUP_NAME, NODE_HEALTH_STATUS
from hyperpod_testbed.demo_day_two import CPU, GPU, a_bad_node_is_replaced, scale
from hyperpod_testbed.demo_nodes import a_gpu_fails, a_volume_is_claimed, the_claim_is_deleted, the_volume_has_followed
from hyperpod_testbed.demo_safety import EXAMPLE, FOREIGN, FOREIGN_NAME
from hyperpod_testbed.stack import Stack
from hyperpod_testbed.stage import NAME, Stage

SEEN = 10.0
"""Seconds that a plan waits, so that the graph has it."""
RESERVED = """\
    - instanceGroupName: reserved
      instanceType: ml.p5.48xlarge
      instanceCount: 1
      trainingPlanArn: arn:aws:sagemaker:us-west-2:111122223333:training-plan/spring
      executionRole: arn:aws:iam::111122223333:role/hyperpod-execution
      lifeCycleConfig: {sourceS3Uri: s3://sagemaker-hyperpod-111122223333/lifecycle, onCreate: on_create.sh}"""
"""A group of a training plan, which the simulator has under every name."""


class MarkedStage(Stage):
    """A stage that remembers when each scene began, in seconds since the epoch."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.marks: list[tuple[float, str]] = []

    def title(self, text: str) -> None:
        self.marks.append((time.time(), text))
        super().title(text)


def play(stage: MarkedStage) -> None:
    """Create, collide, run short, claim, break, heal, operate. The cluster stays: the last numbers are shown large."""
    stage.title("A cluster is created")
    stage.apply(
        EXAMPLE, edit=f"/  tags:/i{RESERVED}", text=EXAMPLE.read_text().replace("  tags:", f"{RESERVED}\n  tags:")
    )
    stage.watch(until=lambda row: " 7/7 " in row and " True " in row, what="a cluster with 7 nodes")

    stage.title("Another one has a name that another team's cluster has")
    stage.stack.simulator.world.create_foreign_cluster(FOREIGN_NAME)
    stage.apply(FOREIGN)
    stalled = ("get", "hpc", FOREIGN_NAME, "-o", 'jsonpath={.status.conditions[?(@.type=="Stalled")].reason}')
    stage.show_when(*stalled, done=lambda text: "NotOwned" in text, what="the refusal")

    stage.title("Two more GPU nodes and a CPU node are asked for; AWS has one GPU node")
    stage.stack.simulator.world.limit_capacity(NAME, "gpu", 5)
    scale(stage, CPU, 3)
    scale(stage, GPU, 6)
    stage.watch(until=lambda row: "capacity" in row.lower() and " 9/10 " in row, what="the shortage")

    stage.title("Capacity is back, and the other name is given up")
    stage.run("delete", "hpc", FOREIGN_NAME, "--timeout=60s")
    stage.stack.simulator.world.restore_capacity(NAME, "gpu")
    stage.watch(until=lambda row: " 10/10 " in row and " True " in row, what="all 10 nodes")

    a_volume_is_claimed(stage)
    lost = a_gpu_fails(stage)
    the_volume_has_followed(stage, lost=lost)
    the_claim_is_deleted(stage)
    stage.watch(until=lambda row: " 10/10 " in row and " True " in row, what="all 10 nodes")
    a_reboot_fixes_a_node(stage)
    a_bad_node_is_replaced(stage, nodes=10)

    stage.title("A scale-in waits for an approval, which one command gives")
    policy = '{"spec":{"management":{"changePolicy":"ApproveDisruptive"}}}'
    stage.run("patch", "hpc", NAME, "--type=merge", "-p", policy)
    scale(stage, CPU, 2)
    state = ("get", "hpc", NAME, "-o", "jsonpath={.status.plan.state}")
    stage.show_when(*state, done=lambda text: text == "Pending", what="the plan")
    time.sleep(SEEN)
    stage.plugin("approve", NAME, "--yes")
    stage.watch(until=lambda row: " 9/9 " in row and " True " in row, what="the end of the node")


def a_reboot_fixes_a_node(stage: MarkedStage) -> None:
    """HyperPod finds a fault that needs no other instance, and the same Node comes back."""
    stage.title("A GPU reports a fault that a reboot fixes: HyperPod reboots the node")
    gpus = ("get", "nodes", "-l", f"{INSTANCE_GROUP_NAME}=gpu", "-o", "jsonpath={.items[0].metadata.name}")
    node = stage.stack.plane.kubectl(*gpus).stdout
    stage.stack.simulator.health.fail(node=node, recovery="reboot")
    health = ("get", "node", node, "-L", NODE_HEALTH_STATUS)
    stage.show_when(*health, done=lambda text: "PendingReboot" in text, what="the fault")
    stage.show_when(*health, done=lambda text: " Schedulable" in text, what="the repair")
    stage.watch(until=lambda row: " 10/10 " in row and " True " in row, what="all 10 nodes")
