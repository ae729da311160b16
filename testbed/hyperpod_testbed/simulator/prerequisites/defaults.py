"""The resources of an account where nobody said otherwise: what the examples name, and all of it right.

A resource is made when it is first named. What nobody declared exists all the same, unless the option `prerequisites`
says otherwise: tests and people name subnets and roles as they like.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from hyperpod_testbed.simulator.instance_types import hourly_price
from hyperpod_testbed.simulator.names import partition, zone, zones
from hyperpod_testbed.simulator.prerequisites import policies
from hyperpod_testbed.simulator.prerequisites.resources import (
    Bucket,
    EksCluster,
    FileSystem,
    Key,
    Offering,
    Policy,
    Role,
    SecurityGroup,
    StoredObject,
    Subnet,
    TrainingPlan,
    Vpc,
)

VPC = "vpc-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
SECURITY_GROUP = "sg-0123456789abcdef0"
FILE_SYSTEM = "fs-0123456789abcdef0"
NODE_ROLE = "eks-nodes"
EKS_ROLE = "eks-cluster"
CALLER_ROLE = "hyperpod-testbed"
"""The role that GetCallerIdentity names."""
DAY = 86400.0

_PUBLIC = "subnet-0f0e0d0c0b0a09080"
_OTHERS = ("subnet-0123456789abcdef1", "subnet-0123456789abcdef2")
ENDPOINTS = (
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "fsx",
    "logs",
    "sagemaker.api",
    "sagemaker.runtime",
    "ssm",
    "ssmmessages",
    "sts",
)
"""Interface endpoints of the default VPC (HyperPod guide, VPC without internet)."""
ADDONS = {
    "aws-ebs-csi-driver": "v1.50.1-eksbuild.1",
    "coredns": "v1.12.4-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
    "kube-proxy": "v1.33.3-eksbuild.6",
}


class Maker:
    """Makes the resources of one account in one region."""

    def __init__(self, *, account: str, region: str, now: float) -> None:
        self._account, self._region, self._now = account, region, now

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of a kind that exist from the beginning."""
        named: Mapping[str, tuple[str, ...]] = {
            "vpc": (VPC,),
            "subnet": (SUBNET, *_OTHERS, _PUBLIC),
            "security_group": (SECURITY_GROUP,),
            "eks_cluster": ("ml", "training", "dev"),
            "role": ("hyperpod-execution", NODE_ROLE, EKS_ROLE, CALLER_ROLE),
            "policy": tuple(policies.OF_AWS),
            "bucket": (f"sagemaker-hyperpod-{self._account}",),
            "object": (f"s3://sagemaker-hyperpod-{self._account}/lifecycle/on_create.sh",),
            "file_system": (FILE_SYSTEM,),
            "training_plan": ("p5-winter",),
        }
        return named.get(kind, ())

    def make(self, kind: str, name: str, *, number: int) -> Any:
        """The resource of this name, the `number`th of its kind; None for a name that no such resource can have."""
        pattern, make = self._kinds()[kind]
        return make(name, number) if re.fullmatch(pattern, name) else None

    def _kinds(self) -> Mapping[str, tuple[str, Callable[[str, int], object]]]:
        return {
            "vpc": (r"vpc-[0-9a-z]+", self._vpc),
            "subnet": (r"subnet-[0-9a-z]+", self._subnet),
            "security_group": (r"sg-[0-9a-z-]+", lambda name, _: SecurityGroup(id=name, vpc=VPC)),
            "eks_cluster": (r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}", self._eks),
            "role": (r"[\w+=,.@-]{1,64}", self._role),
            "policy": (r"arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+", self._policy),
            "key": (r"[A-Za-z0-9/_-]+", self._key),
            "bucket": (r"[a-z0-9.-]{3,63}", lambda name, _: Bucket(name=name, region=self._region)),
            "object": (r"s3://[^/]+/.+", lambda name, _: StoredObject(uri=name)),
            "file_system": (r"fs-[0-9a-f]{8,}", self._file_system),
            "training_plan": (r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}", self._plan),
            "offering": (r"ml\.[a-z0-9-]+\.[a-z0-9]+", self._offering),
        }

    def arn(self, service: str, rest: str, *, account: str | None = None, region: str | None = None) -> str:
        """An ARN of this account in this region."""
        where = self._region if region is None else region
        return f"arn:{partition(self._region)}:{service}:{where}:{self._account if account is None else account}:{rest}"

    def _vpc(self, name: str, _: int) -> Vpc:
        return Vpc(id=name, interface_endpoints=ENDPOINTS)

    def _subnet(self, name: str, number: int) -> Subnet:
        return Subnet(
            id=name,
            vpc=VPC,
            zone=zone(self._region, name).name,
            cidr=f"10.{number % 256}.0.0/16",
            route="internet" if name == _PUBLIC else "nat",
        )

    def _eks(self, name: str, _: int) -> EksCluster:
        return EksCluster(
            arn=self.arn("eks", f"cluster/{name}"),
            name=name,
            vpc=VPC,
            subnets=(SUBNET, *_OTHERS),
            security_groups=(SECURITY_GROUP,),
            role=self.arn("iam", f"role/{EKS_ROLE}", region=""),
            created_at=self._now - 30 * DAY,
            addons=ADDONS,
            access_entries={self.arn("iam", f"role/{NODE_ROLE}", region=""): "EC2_LINUX"},
        )

    def _role(self, name: str, _: int) -> Role:
        services, managed = {
            NODE_ROLE: (("ec2.amazonaws.com",), policies.OF_NODES),
            EKS_ROLE: (("eks.amazonaws.com",), ("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",)),
            CALLER_ROLE: (("pods.eks.amazonaws.com",), ("arn:aws:iam::aws:policy/AdministratorAccess",)),
        }.get(name, (policies.HYPERPOD_SERVICES, (policies.INSTANCE_ROLE,)))
        inline = {}
        if managed == (policies.INSTANCE_ROLE,):
            inline = {"hyperpod-eks": policies.VPC_AND_ECR, "lifecycle-scripts": policies.SCRIPTS}
        return Role(
            arn=self.arn("iam", f"role/{name}", region=""), name=name, services=services, managed=managed, inline=inline
        )

    def _policy(self, name: str, _: int) -> Policy | None:
        if ":iam::aws:" in name and name not in policies.OF_AWS:
            return None
        return Policy(arn=name, name=name.rpartition("/")[2], document=policies.OF_AWS.get(name, policies.EMPTY))

    def _key(self, name: str, _: int) -> Key:
        root = self.arn("iam", "root", region="")
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
            ],
        }
        return Key(
            id=name,
            arn=self.arn("kms", f"key/{name}"),
            manager="AWS" if name.startswith("alias/aws/") else "CUSTOMER",
            policy=policy,
        )

    def _file_system(self, name: str, _: int) -> FileSystem:
        return FileSystem(
            id=name,
            vpc=VPC,
            subnets=(SUBNET,),
            created_at=self._now - 30 * DAY,
            security_groups=(SECURITY_GROUP,),
        )

    def _plan(self, name: str, _: int) -> TrainingPlan:
        return TrainingPlan(
            name=name,
            arn=self.arn("sagemaker", f"training-plan/{name}"),
            instance_type="ml.p5.48xlarge",
            start=self._now - 10 * DAY,
            end=self._now + 80 * DAY,
        )

    def _offering(self, name: str, _: int) -> Offering:
        return Offering(name=name, zones=tuple(one.name for one in zones(self._region)), hourly=hourly_price(name))
