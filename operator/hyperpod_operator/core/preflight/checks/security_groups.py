"""Checks of security groups, and which groups have EFA."""

from collections.abc import Iterator, Mapping

from hyperpod_operator.core.preflight.facts import EksCluster, SecurityGroup
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites, Amazon VPC"
EKS_SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites"
SUBNETS, ROUTES, GROUPS = "ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups"
# [assumption: preflight-efa-families]
EFA_FAMILIES = ("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn1n", "trn2")
"""Families whose every HyperPod size has EFA (Amazon EC2 user guide, "Supported instance types" of EFA)."""
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def security_groups_exist(subject: ClusterSubject) -> Iterator[Finding]:
    known, cluster = subject.facts.security_groups, subject.facts.eks
    if isinstance(known, Unread):
        yield unknown(known)
        return
    vpc = cluster.vpc_id if isinstance(cluster, EksCluster) else ""
    for group in subject.groups:
        missing = [name for name in group.security_groups if name not in known]
        foreign = [name for name in group.security_groups if name in known and vpc and known[name].vpc_id != vpc]
        if missing:
            yield fails(group=group.name, names=", ".join(missing), problem="do not exist")
        elif foreign:
            # One group may be associated with several VPCs of the Region, which DescribeSecurityGroups does not show.
            yield warns(
                group=group.name, names=", ".join(foreign), problem=f"were not created in the cluster's VPC {vpc}"
            )
        elif isinstance(cluster, Unread):
            yield unknown(cluster, group=group.name)
        else:
            yield passes(group=group.name)


def has_efa(subject: ClusterSubject, group: Planned) -> bool:
    """Whether instances of the group may have EFA."""
    types = subject.facts.types
    facts = {} if isinstance(types, Unread) else types
    able = (bool((fact := facts.get(name.removeprefix("ml."))) and fact.efa) for name in group.types)
    return needs_efa(subject, group) or any(able)


def needs_efa(subject: ClusterSubject, group: Planned) -> bool:
    """Whether they have it for certain: the spec asks for it, or HyperPod checks it on instances of the family. That
    HyperPod uses it on whatever other type can have it, nobody says."""
    types = subject.facts.types
    facts = {} if isinstance(types, Unread) else types
    asked = getattr(group.spec, "networkInterface", None)
    return bool(asked and asked.interfaceType) or any(
        name.removeprefix("ml.").split(".")[0] in EFA_FAMILIES
        and ((fact := facts.get(name.removeprefix("ml."))) is None or fact.efa is not False)
        for name in group.types
    )


def efa_self_reference(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.security_groups
    efa = [group for group in subject.groups if has_efa(subject, group)]
    if isinstance(known, Unread):
        if efa:
            yield unknown(known)
        return
    for group in efa:
        mine = {name: known[name] for name in group.security_groups if name in known}
        if not mine or _talk_to_themselves(mine):
            yield passes(group=group.name)
        else:
            say = fails if needs_efa(subject, group) else warns
            yield say(group=group.name, names=", ".join(mine), type=", ".join(group.types))


def _talk_to_themselves(groups: Mapping[str, SecurityGroup]) -> bool:
    """All traffic from and to instances that have all these groups, whose rules add up."""
    rules = [rule for group in groups.values() for rule in group.rules]
    return all(
        any(rule.egress is egress and rule.protocol == "-1" and rule.groups & groups.keys() for rule in rules)
        for egress in (False, True)
    )


def efa_open_egress(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.security_groups
    efa = [group for group in subject.groups if has_efa(subject, group)]
    if isinstance(known, Unread):
        if efa:
            yield unknown(known)
        return
    for group in efa:
        wide = [
            name
            for name in group.security_groups
            if name in known and any(rule.egress and rule.cidrs & EVERYWHERE for rule in known[name].rules)
        ]
        yield warns(group=group.name, names=", ".join(wide)) if wide else passes(group=group.name)


CHECKS = (
    Check(
        name="SecurityGroupsExist",
        area=Area.NETWORK,
        what="The security groups exist and are in the VPC of the EKS cluster",
        why="CreateCluster fails, or instances fail to launch.",
        source=f"{SOURCE}; DOC: Amazon VPC user guide, Associate security groups with multiple VPCs",
        judge=security_groups_exist,
        reads=(GROUPS, "eks:DescribeCluster"),
        fail="Security groups {names} {problem}.",
        warn="Security groups {names} {problem}.",
        remedy="Correct securityGroupIds, unless the groups are associated with that VPC (aws ec2 "
        "describe-security-group-vpc-associations).",
    ),
    Check(
        name="EFASelfReference",
        area=Area.NETWORK,
        what="A security group of groups with EFA allows all traffic from and to itself",
        why='Otherwise instances fail after 20 minutes with "EFA health checks did not run successfully".',
        source=f"{SOURCE}; DOC: Amazon EC2 user guide, Prepare an EFA-enabled security group",
        judge=efa_self_reference,
        reads=(GROUPS,),
        fail="{type} has EFA, and none of the security groups {names} allows all traffic from and to itself.",
        warn="{type} can have EFA, and none of the security groups {names} allows all traffic from and to itself.",
        remedy="Add a rule for all traffic with the group itself as source, and one with itself as destination.",
    ),
    Check(
        name="EFAOpenEgress",
        area=Area.NETWORK,
        what="Security groups of groups with EFA have no rule for 0.0.0.0/0 egress",
        why="AWS's troubleshooting says that such a rule can make EFA checks fail, although its own template adds it.",
        source="SRC: hyperpod-cluster-debugger (awslabs)",
        judge=efa_open_egress,
        reads=(GROUPS,),
        warn="Security groups {names} allow egress to 0.0.0.0/0.",
        remedy="Nothing to do while EFA checks pass; if they fail, keep the rule in a group of its own.",
    ),
)
