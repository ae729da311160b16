"""What can go wrong with a cloud call, as kinds, and the one table that says what each kind means.

`aws/call/classify.py` maps AWS's error codes to kinds; nothing above that floor looks at a code again. The
treatment decides the condition's reason, whether a person has to act (`stalled`) and how soon the next pass
comes. Keeping both tables flat makes "what happens on X?" a look-up for the reader, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hyperpod_operator.api.names import Reason


class ErrorKind(StrEnum):
    """How a cloud call failed, in terms of what the caller may conclude."""

    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    BUSY = "Busy"
    THROTTLED = "Throttled"
    INVALID = "Invalid"
    ROLE_PROPAGATION = "RolePropagation"
    DENIED = "Denied"
    CREDENTIALS = "Credentials"
    QUOTA = "Quota"
    UNKNOWN_OUTCOME = "UnknownOutcome"
    """The request may have been carried out: the connection broke or timed out after it was sent."""
    UNREACHABLE = "Unreachable"
    """Nothing was carried out: no connection, no name resolution, TLS refused."""
    TRANSIENT = "Transient"
    """AWS answered with a server-side error; it may or may not have acted."""
    EKS_IN_USE = "EKSInUse"
    """The EKS cluster has a HyperPod cluster already; the mapping is one to one."""
    WRONG_ENDPOINT = "WrongEndpoint"
    """Whoever answered does not know the operation: it is not the service that was meant."""
    CLOCK = "Clock"
    """The signature was too old or too new: the clock here and that of AWS differ."""
    ACCOUNT = "Account"
    """AWS is verifying the account, or has blocked it."""
    MALFORMED = "Malformed"
    """A read was answered, and a member that decisions rest on is missing or cannot be true: nothing is known."""


class CloudError(Exception):
    """A cloud call that failed.

    `operation` is the API operation's name (`CreateCluster`), `code` AWS's error code or the exception's
    class name where no answer came, `message` AWS's text without secrets, `request_id` for logs and Events
    only: it differs at every call, so it must never reach a condition.

    `ec2_code` is EC2's own code wherever EC2 is the one that refused: the code of an EC2 call, or the one that
    SageMaker wraps into a ValidationException (`HyperPod - Ec2ErrCode: X : Ec2ErrMsg: text`; then `message` is
    EC2's text alone and `kind` follows from X). Empty otherwise. Only decisions about volumes look at it.
    """

    def __init__(
        self, *, kind: ErrorKind, operation: str, code: str, message: str, request_id: str = "", ec2_code: str = ""
    ) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.kind = kind
        self.operation = operation
        self.code = code
        self.message = message
        self.request_id = request_id
        self.ec2_code = ec2_code

    def as_kind(self, kind: ErrorKind) -> "CloudError":
        """The same failure, taken for one of another kind."""
        return CloudError(
            kind=kind,
            operation=self.operation,
            code=self.code,
            message=self.message,
            request_id=self.request_id,
            ec2_code=self.ec2_code,
        )


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a kind of failure means for the resource.

    `after` is the pause in seconds before the next pass; None means exponential backoff, never below
    `at_least` seconds. `remember` keeps a refused request from being sent again until it changes.
    """

    reason: Reason
    remedy: str
    stalled: bool = False
    after: float | None = None
    at_least: float = 0.0
    remember: bool = False


SLOW = 300.0
"""Seconds between passes while a person has to act outside the resource (a role, a quota)."""

TREATMENTS: Mapping[ErrorKind, Treatment] = MappingProxyType(
    {
        ErrorKind.NOT_FOUND: Treatment(
            Reason.AWS_ERROR,
            "The operator reads again and retries with backoff. If it lasts, AWS shows to one call what it denies to "
            "another: ask AWS Support.",
            at_least=5.0,
        ),
        ErrorKind.ALREADY_EXISTS: Treatment(
            Reason.UNKNOWN_OUTCOME,
            "The operator checks who owns the cluster of this name. If AWS goes on showing it no such cluster, wait "
            "where one was deleted a moment ago, or set another spec.clusterName. The operator sends the request again "
            "after minutes, later after hours, and immediately when you set the annotation "
            "hyperpod-operator.dev/reconcile-requested-at.",
            after=5.0,
        ),
        ErrorKind.BUSY: Treatment(
            Reason.CLUSTER_BUSY,
            "The cluster is busy with another change; the operator waits and retries.",
            after=20.0,
        ),
        ErrorKind.THROTTLED: Treatment(
            Reason.THROTTLED,
            "AWS throttles the calls of this account; the operator lowers its rate.",
            at_least=30.0,
        ),
        ErrorKind.INVALID: Treatment(
            Reason.SPEC_REJECTED,
            "Correct the spec, or its cause lies outside: a role (its trust or rights), the EKS cluster "
            "(authentication mode, HyperPod's Helm chart), subnets, security groups, the lifecycle script, a "
            "quota. The operator sends the same request again after 30 minutes, later every 6 hours, and "
            "immediately when the spec or the state in AWS changes or you set the annotation "
            "hyperpod-operator.dev/reconcile-requested-at.",
            stalled=True,
            after=SLOW,
            remember=True,
        ),
        ErrorKind.ROLE_PROPAGATION: Treatment(
            Reason.ROLE_PROPAGATION,
            "Check that the execution role exists and trusts sagemaker.amazonaws.com; a new role takes up "
            "to a minute to be usable.",
            after=5.0,
        ),
        ErrorKind.DENIED: Treatment(
            Reason.PERMISSION_DENIED,
            "Grant this action to the role that AWS names (docs/iam.md has the policy of the operator's role); the "
            "operator retries every 5 minutes.",
            stalled=True,
            after=SLOW,
        ),
        ErrorKind.CREDENTIALS: Treatment(
            Reason.CREDENTIALS_INVALID,
            "Give the operator valid AWS credentials (Pod Identity or IRSA on EKS; docs/install-eks.md).",
            stalled=True,
            at_least=5.0,
        ),
        ErrorKind.QUOTA: Treatment(
            Reason.QUOTA_EXCEEDED,
            "Request a higher quota in AWS Service Quotas, or lower the counts; the operator retries every 5 minutes.",
            stalled=True,
            after=SLOW,
        ),
        ErrorKind.UNKNOWN_OUTCOME: Treatment(
            Reason.UNKNOWN_OUTCOME,
            "AWS may have carried out the call; the operator reads the state before it does anything else.",
            after=5.0,
        ),
        ErrorKind.UNREACHABLE: Treatment(
            Reason.AWS_UNREACHABLE,
            "Check the operator's network path to AWS's endpoint for this call (VPC endpoint, proxy, DNS); the "
            "operator retries with backoff.",
            at_least=5.0,
        ),
        ErrorKind.TRANSIENT: Treatment(
            Reason.AWS_ERROR,
            "AWS returned a server error; the operator retries with backoff.",
            at_least=5.0,
        ),
        # [assumption: one-cluster-for-one-eks]
        ErrorKind.EKS_IN_USE: Treatment(
            Reason.EKS_CLUSTER_IN_USE,
            "An EKS cluster takes one HyperPod cluster, until the deletion of that has ended. Delete the other one or "
            "name another EKS cluster; the operator tries again every minute, after an hour every 10 minutes.",
            after=60.0,
        ),
        ErrorKind.WRONG_ENDPOINT: Treatment(
            Reason.AWS_UNREACHABLE,
            "What answers does not know this operation, so it is not AWS's service in this Region: check the Region, "
            "the endpoint (AWS_ENDPOINT_URL, VPC endpoint) and the proxy.",
            at_least=5.0,
        ),
        ErrorKind.CLOCK: Treatment(
            Reason.CREDENTIALS_INVALID,
            "The clock of the operator's node and that of AWS differ by more than AWS accepts (5 minutes): "
            "synchronize the node with NTP.",
            stalled=True,
            at_least=5.0,
        ),
        ErrorKind.ACCOUNT: Treatment(
            Reason.ACCOUNT_BLOCKED,
            "AWS is verifying the account or has blocked it: check the account's email or contact AWS Support. The "
            "operator retries every 30 minutes.",
            stalled=True,
            after=1800.0,
        ),
        ErrorKind.MALFORMED: Treatment(
            Reason.AWS_ERROR,
            "A missing value counts as unknown: the operator changes nothing and retries with backoff. If it "
            "lasts, check what responds at the endpoint (a proxy, AWS_ENDPOINT_URL).",
            at_least=5.0,
        ),
    }
)
