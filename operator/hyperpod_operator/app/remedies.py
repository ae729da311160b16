"""What a person at a terminal does about a call that failed; conditions have their own remedies (core.errors)."""

from collections.abc import Mapping

from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.text import plain

REMEDIES: Mapping[ErrorKind, str] = {
    ErrorKind.NOT_FOUND: "Check the name and the Region.",
    ErrorKind.THROTTLED: "AWS throttles the calls of this account: try again in a minute.",
    ErrorKind.DENIED: "Your credentials need this action: docs/iam/export-and-plan.json has the policy.",
    ErrorKind.CREDENTIALS: "Log in to AWS (aws sso login), or name credentials with AWS_PROFILE.",
    ErrorKind.UNREACHABLE: "Check the Region's name and your way to its endpoint (VPN, proxy, AWS_ENDPOINT_URL).",
    ErrorKind.WRONG_ENDPOINT: "What answers is not SageMaker in this Region: check the Region and AWS_ENDPOINT_URL.",
    ErrorKind.CLOCK: "The clock of this machine is wrong: set it by NTP.",
    ErrorKind.ACCOUNT: "Ask AWS Support about the account.",
}


def words(error: CloudError) -> str:
    """What AWS said and what to do, on one line."""
    return f"{plain(str(error)).rstrip('.')}. {REMEDIES.get(error.kind, 'Try again.')}"
