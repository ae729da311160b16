"""What happens while Prometheus looks on: something for every panel of the dashboard to show."""

import time

from hyperpod_testbed.demo_day_two import CPU, GPU, a_bad_node_is_replaced, scale
from hyperpod_testbed.demo_nodes import a_gpu_fails, a_volume_is_claimed, the_claim_is_deleted, the_volume_has_followed
from hyperpod_testbed.demo_safety import EXAMPLE, FOREIGN, FOREIGN_NAME
from hyperpod_testbed.stack import Stack
from hyperpod_testbed.stage import NAME, Stage


class MarkedStage(Stage):
    """A stage that remembers when each scene began, in seconds since the epoch."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.marks: list[tuple[float, str]] = []

    def title(self, text: str) -> None:
        self.marks.append((time.time(), text))
        super().title(text)


def play(stage: MarkedStage) -> None:
    """Create, collide, run short, claim, break, heal, operate, delete."""
    stage.title("A cluster is created")
    stage.apply(EXAMPLE)
    stage.watch(until=lambda row: " 6/6 " in row and " True " in row, what="a cluster with 6 nodes")

    stage.title("Another one has a name that another team's cluster has")
    stage.stack.simulator.world.create_foreign_cluster(FOREIGN_NAME)
    stage.apply(FOREIGN)
    stalled = ("get", "hpc", FOREIGN_NAME, "-o", 'jsonpath={.status.conditions[?(@.type=="Stalled")].reason}')
    stage.show_when(*stalled, done=lambda text: "NotOwned" in text, what="the refusal")

    stage.title("Two more GPU nodes and a CPU node are asked for; AWS has one GPU node")
    stage.stack.simulator.world.limit_capacity(NAME, "gpu", 5)
    scale(stage, CPU, 3)
    scale(stage, GPU, 6)
    stage.watch(until=lambda row: "capacity" in row.lower() and " 8/9 " in row, what="the shortage")

    stage.title("Capacity is back, and the other name is given up")
    stage.run("delete", "hpc", FOREIGN_NAME, "--timeout=60s")
    stage.stack.simulator.world.restore_capacity(NAME, "gpu")
    stage.watch(until=lambda row: " 9/9 " in row and " True " in row, what="all 9 nodes")

    a_volume_is_claimed(stage)
    lost = a_gpu_fails(stage)
    the_volume_has_followed(stage, lost=lost)
    the_claim_is_deleted(stage)
    stage.watch(until=lambda row: " 9/9 " in row and " True " in row, what="all 9 nodes")
    a_bad_node_is_replaced(stage, nodes=9)

    stage.title("The cluster is deleted")
    stage.run("delete", "hpc", NAME, "--timeout=120s")
