"""Where the Nodes of HyperPod are read."""

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.kube.nodes.decoding import NODES, NodeObject
from hyperpod_operator.kube.watch.object_stream import Source

PATH = "/api/v1/nodes"
SELECTOR = f"{COMPUTE_TYPE}=hyperpod"
OTHERS = f"{COMPUTE_TYPE}!=hyperpod"
"""All that `SELECTOR` leaves out, those without the label too."""

NODE_SOURCE: Source[NodeObject] = Source(path=PATH, query={"labelSelector": SELECTOR}, decoding=NODES)
