"""The scenes of each kind that ships."""

from tests.gitops import claim_scenes, cluster_scenes, operation_scenes
from tools.argocd.scene import Scenes

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION, VOLUME_CLAIM

SCENES: Scenes = {
    CLUSTER.name: cluster_scenes.scenes,
    VOLUME_CLAIM.name: claim_scenes.scenes,
    NODE_OPERATION.name: operation_scenes.scenes,
}
