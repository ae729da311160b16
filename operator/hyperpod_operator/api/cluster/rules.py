"""CEL rules that need to see the whole spec: what is fixed, and what cannot go together."""

from hyperpod_operator.api.common.bounds import NAME_PATTERN
from hyperpod_operator.api.common.rules import rule

_EKS = "self.orchestrator.eks.clusterArn"


def _of_its_account(role: str) -> str:
    """That a role is of the account of the EKS cluster. Texts that are no ARNs are other rules' matter."""
    parts, theirs = f"{role}.split(':')", f"{_EKS}.split(':')"
    return f"({parts}.size() < 6 || {theirs}.size() < 6 || {parts}[4] == {theirs}[4])"


SPEC_RULES = (
    rule(
        "has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",
        message="region cannot change, be added or be removed: the cluster stays where it is; create another "
        "HyperPodCluster for another Region",
        reason="FieldValueForbidden",
        path=".region",
    ),
    rule(
        f"!has(self.region) || !{_EKS}.startsWith('arn:') || {_EKS}.contains(':' + self.region + ':')",
        message="region is not that of orchestrator.eks.clusterArn: a HyperPod cluster is made in the Region of its "
        "EKS cluster; correct one of the two, or leave region out",
        path=".region",
    ),
    rule(
        f"(!has(self.clusterRole) || {_of_its_account('self.clusterRole')}) && (!has(self.instanceGroups) || "
        f"self.instanceGroups.all(g, {_of_its_account('g.executionRole')})) && (!has(self.restrictedInstanceGroups) "
        f"|| self.restrictedInstanceGroups.all(g, {_of_its_account('g.executionRole')}))",
        message="an executionRole, or clusterRole, is of another account than orchestrator.eks.clusterArn: HyperPod "
        "takes roles of the EKS cluster's account only; name a role of that account",
    ),
    rule(
        "!has(oldSelf.nodeProvisioningMode) || has(self.nodeProvisioningMode)",
        message="nodeProvisioningMode cannot be switched off once it is Continuous: keep it, or create another "
        "HyperPodCluster",
        reason="FieldValueForbidden",
        path=".nodeProvisioningMode",
    ),
    rule(
        "has(self.instanceGroups) || has(self.restrictedInstanceGroups)",
        message="a cluster needs at least one group: add one to instanceGroups or restrictedInstanceGroups (its "
        "instanceCount may be 0)",
        reason="FieldValueRequired",
    ),
    rule(
        "!has(self.instanceGroups) || !has(self.restrictedInstanceGroups) || self.instanceGroups.all(g, "
        "!self.restrictedInstanceGroups.exists(r, r.instanceGroupName == g.instanceGroupName))",
        message="a group name stands in both instanceGroups and restrictedInstanceGroups: rename one of them",
    ),
    rule(
        "has(self.nodeProvisioningMode) || !has(self.instanceGroups) || "
        "self.instanceGroups.all(g, !has(g.minInstanceCount))",
        message="minInstanceCount needs continuous provisioning: set nodeProvisioningMode: Continuous or remove it "
        "from the group",
    ),
    rule(
        "has(self.nodeProvisioningMode) || !has(self.instanceGroups) || "
        "self.instanceGroups.all(g, !has(g.instanceRequirements))",
        message="instanceRequirements needs continuous provisioning: set nodeProvisioningMode: Continuous or use "
        "instanceType in the group",
    ),
    rule(
        "!has(self.autoScaling) || self.autoScaling.mode != 'Enable' || (has(self.nodeProvisioningMode) && "
        "(!has(self.nodeRecovery) || self.nodeRecovery != 'None') && has(self.clusterRole))",
        message="autoScaling needs nodeProvisioningMode: Continuous and clusterRole, and does not work with "
        "nodeRecovery: None: set the first two and leave nodeRecovery out or set it to Automatic, or set "
        "autoScaling.mode: Disable",
        path=".autoScaling",
    ),
    rule(
        "!has(self.autoScaling) || self.autoScaling.mode != 'Enable' || !has(self.instanceGroups) || "
        "self.instanceGroups.all(g, !has(g.onStartDeepHealthChecks) && !has(g.trainingPlanArn))",
        message="autoScaling does not work with groups that have onStartDeepHealthChecks or trainingPlanArn: remove "
        "these from the groups or set autoScaling.mode: Disable",
        path=".autoScaling",
    ),
)

_NAME = "(has({0}.spec.clusterName) ? {0}.spec.clusterName : {0}.metadata.name)"

ROOT_RULES = (
    rule(
        "has(self.spec.clusterName) || "
        f"(self.metadata.name.size() <= 63 && self.metadata.name.matches('{NAME_PATTERN}'))",
        message="the name of this object does not fit as a SageMaker cluster name (up to 63 letters, digits and inner "
        "dashes): set spec.clusterName",
    ),
    rule(
        f"{_NAME.format('self')} == {_NAME.format('oldSelf')}",
        message="spec.clusterName cannot change: it is the cluster's identity in AWS (unset, it is this object's "
        "name); create another HyperPodCluster for another cluster",
        reason="FieldValueForbidden",
        path=".spec.clusterName",
    ),
)
