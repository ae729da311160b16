"""CreateCluster requests in the shapes that AWS's pages and public repositories show, with values of our own."""

from typing import Any

EKS = "arn:aws:eks:us-west-2:111122223333:cluster/training"
ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"
PLAN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/winter-training"
VPC = {"SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"], "Subnets": ["subnet-0a1b2c3d4e5f60718"]}
SCRIPTS = {"SourceS3Uri": "s3://sagemaker-scripts/base", "OnCreate": "on_create.sh"}


def group(name: str, instance_type: str | None, count: int, **members: Any) -> dict[str, Any]:
    made = {
        "InstanceGroupName": name,
        "InstanceCount": count,
        "ExecutionRole": ROLE,
        "LifeCycleConfig": SCRIPTS,
        "ThreadsPerCore": 1,
        **members,
    }
    return made | ({"InstanceType": instance_type} if instance_type else {})


def restricted(name: str, count: int, **members: Any) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceType": "ml.p5.48xlarge",
        "InstanceCount": count,
        "ExecutionRole": ROLE,
        "ThreadsPerCore": 1,
        **members,
    }


def cluster(name: str, *groups: dict[str, Any], **members: Any) -> dict[str, Any]:
    made = {
        "ClusterName": name,
        "Orchestrator": {"Eks": {"ClusterArn": EKS}},
        "VpcConfig": VPC,
        "NodeRecovery": "Automatic",
        **members,
    }
    return made | ({"InstanceGroups": list(groups)} if groups else {})


def ebs(size: int) -> dict[str, Any]:
    return {"EbsVolumeConfig": {"VolumeSizeInGB": size}}


PAYLOADS: dict[str, dict[str, Any]] = {
    "continuous-with-karpenter": cluster(
        "hyperpod-autoscaling",
        group("system", "ml.c5.xlarge", 1),
        group("auto-c5-az1", "ml.c5.xlarge", 0),
        group("auto-c5-az2", "ml.c5.4xlarge", 0, OverrideVpcConfig={**VPC, "Subnets": ["subnet-0b1b2c3d4e5f60718"]}),
        NodeProvisioningMode="Continuous",
        ClusterRole="arn:aws:iam::111122223333:role/SageMakerHyperPodKarpenterRole",
        AutoScaling={"Mode": "Enable", "AutoScalerType": "Karpenter"},
        Tags=[{"Key": "Environment", "Value": "Development"}],
    ),
    "mig": cluster(
        "MIG-inference",
        group(
            "gpu-mig",
            "ml.p4d.24xlarge",
            2,
            KubernetesConfig={
                "Labels": {"nvidia.com/mig.config": "all-1g.5gb"},
                "Taints": [{"Key": "nvidia.com/gpu", "Value": "mig", "Effect": "NoSchedule"}],
            },
        ),
        NodeProvisioningMode="Continuous",
    ),
    "restricted-groups": cluster(
        "nova-customization",
        RestrictedInstanceGroups=[
            restricted(
                "rig-p5",
                2,
                EnvironmentConfig={"FSxLustreConfig": {"SizeInGiB": 4800, "PerUnitStorageThroughput": 250}},
                InstanceStorageConfigs=[ebs(500)],
                OverrideVpcConfig=VPC,
            )
        ],
    ),
    "spot": cluster(
        "SampleCluster",
        group("group1", "ml.c5.2xlarge", 1, CapacityRequirements={"Spot": {}}),
        group("group2", "ml.c5.2xlarge", 1, CapacityRequirements={"OnDemand": {}}),
        NodeProvisioningMode="Continuous",
    ),
    "minimum-counts": cluster(
        "gang-training",
        group("workers", "ml.p5.48xlarge", 8, MinInstanceCount=4, InstanceStorageConfigs=[ebs(500)]),
        group("controller", "ml.m5.2xlarge", 1),
        NodeProvisioningMode="Continuous",
        TieredStorageConfig={"Mode": "Enable", "InstanceMemoryAllocationPercentage": 20},
    ),
    "file-systems": cluster(
        "with-file-systems",
        group(
            "workers",
            "ml.g5.8xlarge",
            2,
            InstanceStorageConfigs=[
                ebs(500),
                {
                    "FsxLustreConfig": {
                        "DnsName": "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com",
                        "MountName": "abcdefgh",
                        "MountPath": "/fsx",
                    }
                },
                {
                    "FsxOpenZfsConfig": {
                        "DnsName": "fs-0fedcba9876543210.fsx.us-west-2.amazonaws.com",
                        "MountPath": "/home",
                    }
                },
            ],
        ),
    ),
    "training-plan": cluster(
        "planned-capacity",
        group("reserved", "ml.p5.48xlarge", 4, TrainingPlanArn=PLAN, OnStartDeepHealthChecks=["InstanceStress"]),
        group("general", "ml.m5.2xlarge", 1),
        NodeProvisioningMode="Continuous",
    ),
    "flexible-types": cluster(
        "flexible",
        group(
            "mixed",
            None,
            3,
            InstanceRequirements={"InstanceTypes": ["ml.g5.8xlarge", "ml.g6.8xlarge", "ml.g5.12xlarge"]},
            ScheduledUpdateConfig={
                "ScheduleExpression": "cron(0 4 ? * SUN *)",
                "DeploymentConfig": {
                    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENTAGE", "Value": 25}},
                    "WaitIntervalInSeconds": 300,
                    "AutoRollbackConfiguration": [{"AlarmName": "training-errors"}],
                },
            },
        ),
        NodeProvisioningMode="Continuous",
    ),
    "efa-workshop": cluster(
        "ml-cluster",
        group(
            "worker-group-1",
            "ml.p5.48xlarge",
            2,
            InstanceStorageConfigs=[ebs(500)],
            OnStartDeepHealthChecks=["InstanceStress", "InstanceConnectivity"],
            NetworkInterface={"InterfaceType": "efa"},
        ),
        group("worker-group-2", "ml.m5.2xlarge", 1, InstanceStorageConfigs=[ebs(500)]),
        Tags=[{"Key": "Name", "Value": "sagemaker-hyperpod-eks"}, {"Key": "team", "Value": "research"}],
    ),
}
