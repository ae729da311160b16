"""AWS as a command reads it: with the caller's own credentials, in a Region that is named or configured."""

from hyperpod_operator.app.documents import InputError
from hyperpod_operator.app.remedies import words
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.core.errors import CloudError


def opened(*, region: str) -> AwsCloud:
    """To be closed by the caller. Raises InputError where the AWS configuration of this machine cannot be used."""
    try:
        return AwsCloud(settings=CloudSettings.of_a_command(region=region), on_call=lambda **_: None)
    except CloudError as error:
        raise InputError(words(error)) from error


def require_region(region: str, *, cloud: AwsCloud, what: str) -> None:
    """Raises InputError where `what` names no Region and none is configured."""
    if not region and not cloud.region:
        raise InputError(f"{what} names no Region, and none is configured: name one with --region or AWS_REGION")
