"""The bounded building blocks of every field: AWS's names, ranges and patterns, once each.

A string, list or map without a bound makes the API server refuse CEL rules for their estimated cost, so no
field is declared with a bare `str` or `list`. Patterns are AWS's own, anchored, and written so that RE2 (the
API server) and Rust's regex (pydantic) read them alike: no look-around, `[0-9]` for digits.
Each alias names the shape of the SageMaker API model (2017-07-24) that it repeats.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from hyperpod_operator.api.common.rules import rule, rules, worded

SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""List without order or duplicates; server-side apply merges its items."""
ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
"""List whose order means something: whoever applies it owns the whole."""


def keyed(*keys: str) -> dict[str, Any]:
    """List of named things: server-side apply merges items by these members, and order never matters."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


MISTAKE = 128
"""Characters of what people write in place of a short id, such as its ARN. The API server judges no rule of a text that
is longer than its schema has it, and says "Too long" where the rule says what to write."""
NAME_PATTERN = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
KEY_PATTERN = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)
CEL_LABEL_KEY = KEY_PATTERN.replace(r"\.", "[.]")
"""`KEY_PATTERN` for a CEL string literal, which has no place for a lone backslash. A structural schema has no patterns
for keys of a map."""
CEL_LABEL_KEY_LENGTHS = "k.size() <= 317 && k.indexOf('/') <= 253 && k.size() - k.indexOf('/') <= 64"
"""Of a key `k`: Kubernetes takes prefixes of up to 253 characters and names of up to 63, whatever AWS takes."""
LABEL_KEY_WORDS = (
    "an optional DNS prefix of up to 253 characters and a slash, then a name of up to 63 letters, digits, dashes, "
    "underscores and dots"
)
VALUE_PATTERN = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
TAG_PATTERN = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"
TAG_WORDS = "tags have letters, digits, blanks and _ . : / = + - @ only: remove the other characters"

NAME_IN_SAGEMAKER = rules(
    rule(
        "!self.contains('_')",
        message="use dashes instead of underscores: names in SageMaker have letters, digits and inner dashes only",
        computed="'use dashes instead of underscores: ' + self.replace('_', '-')",
    ),
    rule(
        "self.matches('^[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$')",
        message="names in SageMaker have letters, digits and inner dashes, no blanks and no dots: choose such a name",
    ),
)

ClusterName = Annotated[
    str, Field(min_length=1, max_length=63, pattern=NAME_PATTERN, json_schema_extra=NAME_IN_SAGEMAKER)
]
"""ClusterName."""
InstanceGroupName = Annotated[
    str, Field(min_length=1, max_length=63, pattern=NAME_PATTERN, json_schema_extra=NAME_IN_SAGEMAKER)
]
"""ClusterInstanceGroupName."""
Region = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32,
        **worded(
            r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
            "a Region is given by its code, in lower case and without the letter of a zone: write it as us-west-2",
        ),
    ),
]
"""An AWS Region code, for example us-west-2 or us-gov-west-1. Not an API member: it chooses the endpoint."""

EksClusterArn = Annotated[
    str,
    Field(
        min_length=20,
        max_length=2048,
        **worded(
            r"^arn:aws[a-z\-]*:eks:[a-z0-9\-]*:[0-9]{12}:cluster/[0-9A-Za-z][A-Za-z0-9\-_]{0,99}$",
            "give the ARN of the EKS cluster, as arn:aws:eks:us-west-2:111122223333:cluster/NAME, and not its name: "
            "aws eks describe-cluster --name NAME --query cluster.arn",
        ),
    ),
]
"""EksClusterArn."""
RoleArn = Annotated[
    str,
    Field(
        min_length=20,
        max_length=2048,
        **worded(
            r"^arn:aws[a-z\-]*:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
            "give the ARN of the role, as arn:aws:iam::111122223333:role/NAME, and not its name: aws iam get-role "
            "--role-name NAME --query Role.Arn",
        ),
    ),
]
"""RoleArn."""
TrainingPlanArn = Annotated[
    str,
    Field(
        min_length=50,
        max_length=2048,
        **worded(
            r"^arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/.*$",
            "give the ARN of the training plan, as arn:aws:sagemaker:us-west-2:111122223333:training-plan/NAME, and "
            "not its name: aws sagemaker describe-training-plan --training-plan-name NAME --query TrainingPlanArn",
        ),
    ),
]
"""TrainingPlanArn."""

_WITHOUT_PREFIX = "(m[^l]|[a-ln-z])[a-z0-9-]*[.]([0-9]*xlarge|large|medium)"
"""An instance type as EC2 writes it."""
_METAL = "(ml[.])?[a-z0-9-]+[.]metal[a-z0-9-]*"
InstanceType = Annotated[
    str,
    Field(
        min_length=6,
        max_length=64,
        pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        json_schema_extra=rules(
            rule(
                f"!self.matches('^{_WITHOUT_PREFIX}$')",
                message="put ml. in front: instance types of HyperPod have this prefix, as ml.p5.48xlarge",
                computed="'put ml. in front: ml.' + self",
            ),
            rule(
                f"!self.matches('^{_METAL}$')",
                message="HyperPod has no bare metal instances: choose another size, as ml.p5.48xlarge",
            ),
            rule(
                f"self.matches('^(ml[.][a-z0-9-]+[.][a-z0-9]+|{_METAL}|{_WITHOUT_PREFIX})$')",
                message="instance types are in lower case, without blanks: write family and size after ml., as "
                "ml.p5.48xlarge",
            ),
        ),
    ),
]
"""ClusterInstanceType. AWS's enum has over 200 values and grows with every launch, so only its form is checked."""
InstanceCount = Annotated[int, Field(ge=0, le=6758)]
"""ClusterInstanceCount."""
ThreadsPerCore = Annotated[int, Field(ge=1, le=2)]
"""ClusterThreadsPerCore."""
DeepHealthCheck = Literal["InstanceStress", "InstanceConnectivity", "MultiNodeTrainingValidation"]
"""DeepHealthCheckType."""
DeepHealthChecks = Annotated[list[DeepHealthCheck], Field(min_length=1, max_length=3, json_schema_extra=SET)]
"""OnStartDeepHealthChecks."""

S3Uri = Annotated[
    str,
    Field(
        max_length=1024,
        **worded(
            r"^(https|s3)://([^/]+)/?(.*)$",
            "give the place in Amazon S3 with its scheme in lower case and its bucket, as s3://bucket/folder",
        ),
    ),
]
"""S3Uri."""
ScriptName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\S\s]+$")]
"""ClusterLifeCycleConfigFileName."""
ImageId = Annotated[
    str,
    Field(
        min_length=7,
        max_length=MISTAKE,
        **worded(
            r"^(ami-[0-9a-fA-F]{8,17}|default)$",
            "give the id of the AMI and not its name, as ami-0123456789abcdef0, or default: aws ec2 describe-images",
        ),
    ),
]
"""ImageId."""
ImageReleaseVersion = Annotated[
    str,
    Field(
        max_length=64,
        **worded(
            r"^[0-9]+\.[0-9]+\.[0-9]+$",
            "a release is MAJOR.MINOR.PATCH, three numbers and nothing in front: write it as 1.2.3",
        ),
    ),
]
"""ImageReleaseVersion."""

SecurityGroupId = Annotated[
    str,
    Field(
        max_length=MISTAKE,
        pattern=r"^[-0-9a-zA-Z]+$",
        json_schema_extra=rules(
            rule(
                "self.matches('^sg-[0-9a-zA-Z]{1,29}$')",
                message="give the id of the security group and not its name, as sg-0123456789abcdef0: aws ec2 "
                "describe-security-groups",
            )
        ),
    ),
]
"""SecurityGroupId."""
SubnetId = Annotated[
    str,
    Field(
        max_length=MISTAKE,
        pattern=r"^[-0-9a-zA-Z]+$",
        json_schema_extra=rules(
            rule(
                "self.matches('^subnet-[0-9a-zA-Z]{1,25}$')",
                message="give ids of subnets, as subnet-0123456789abcdef0, and not of their VPC: aws ec2 "
                "describe-subnets",
                computed="'give ids of subnets, as subnet-0123456789abcdef0: ' + (self.startsWith('vpc-') ? "
                "'aws ec2 describe-subnets --filters Name=vpc-id,Values=' + self : self + ' is none')",
            )
        ),
    ),
]
"""SubnetId."""

TagKey = Annotated[str, Field(min_length=1, max_length=128, **worded(TAG_PATTERN, TAG_WORDS))]
"""TagKey."""
TagValue = Annotated[str, Field(max_length=256, **worded(TAG_PATTERN, TAG_WORDS))]
"""TagValue."""
LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
"""ClusterKubernetesLabelKey. A map's keys cannot have a pattern in a structural schema: a CEL rule has it."""
LabelValue = Annotated[str, Field(min_length=1, max_length=63, pattern=VALUE_PATTERN)]
"""ClusterKubernetesLabelValue."""
TaintKey = Annotated[str, Field(min_length=1, max_length=317, pattern=KEY_PATTERN)]
"""ClusterKubernetesTaintKey."""
TaintValue = Annotated[str, Field(min_length=1, max_length=63, pattern=VALUE_PATTERN)]
"""ClusterKubernetesTaintValue."""

ScheduleExpression = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        json_schema_extra=rules(
            rule(
                "self.matches('^cron[(][^ ]+ [^ ]+ ([?] [^ ]+ [^ ?]+|[^ ?]+ [^ ]+ [?]) [^ ]+[)]$')",
                message="give an AWS cron expression, as cron(0 4 ? * SUN *): minutes, hours, day of month, month, day "
                "of week, year, and a question mark for one of the two days",
            )
        ),
    ),
]
"""CronScheduleExpression. Form: "Cron expressions", Amazon EventBridge user guide."""
AlarmName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^.*\S.*$")]
"""AlarmName. AWS's pattern looks ahead, which RE2 cannot; this one says the same: not only blanks."""
BatchSize = Annotated[int, Field(ge=1)]
"""NodeUnavailabilityValue."""
WaitInterval = Annotated[int, Field(ge=0, le=3600)]
"""WaitTimeIntervalInSeconds."""
IdleWaitWindow = Annotated[int, Field(ge=3600, le=2160000)]
"""IdleWaitWindowInSecondsValue."""
DrainTimeout = Annotated[int, Field(ge=0, le=5400)]
"""DrainTimeoutInSecondsValue."""
Percentage = Annotated[int, Field(ge=0, le=100)]
"""ClusterInstanceMemoryAllocationPercentage."""

_LONG = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
_SHORT = "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_FEBRUARY = "02-(0[1-9]|1[0-9]|2[0-8])"
_DAY = f"(20[0-9]{{2}}-({_LONG}|{_SHORT}|{_FEBRUARY})|20([02468][048]|[13579][26])-02-29)"
_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
MOMENT_PATTERN = rf"^{_DAY}T{_HOUR}:[0-5][0-9](\.[0-9]{{1,9}})?(Z|[+-]{_HOUR})$"
Moment = Annotated[
    str,
    Field(
        min_length=20,
        max_length=MISTAKE,
        **worded(MOMENT_PATTERN, "give date, time and offset from UTC, as 2026-11-30T04:00:00Z"),
    ),
]
"""A time that a user gives, RFC 3339. Without the format date-time, by which the API server also takes lists, and
spellings and offsets that clients of AWS, this operator and the API server's own CEL cannot read."""
PatchDate = Moment
"""NextPatchDate."""
Timestamp = Annotated[str, Field(min_length=1, max_length=40, json_schema_extra={"format": "date-time"})]
"""An instant that the operator writes, as RFC 3339 text, for example 2026-11-30T04:00:00Z."""
