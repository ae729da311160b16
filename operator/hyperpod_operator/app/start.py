"""What is asked before anything starts: an operator that cannot work says so within seconds."""

import logging

from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.configuration import own_namespace
from hyperpod_operator.settings import Settings

logger = logging.getLogger(__name__)


class StartError(Exception):
    """The operator cannot do its work here; the message lists what is missing and the commands that fix it."""


async def check_kubernetes(api: ApiServer, settings: Settings, lease: LeaseSettings | None) -> None:
    duties = preflight.Duties(
        lease=lease,
        nodes=settings.node_health,
        volume_leases=(settings.lease.namespace or own_namespace()) if settings.volumes else None,
        metrics_auth=settings.metrics_auth,
    )
    problems = await preflight.check(api, namespaces=settings.namespaces, duties=duties)
    if problems:
        raise StartError("\n".join(str(problem) for problem in problems))


async def check_aws(cloud: AwsCloud) -> None:
    """Bad credentials end the start; an STS that cannot be reached does not, for SageMaker may be."""
    try:
        identity = await cloud.identity()
    except CloudError as error:
        if error.kind is ErrorKind.CREDENTIALS:
            raise StartError(
                f"AWS credentials or region are missing or not accepted: {error.message} ({error.code}). On EKS give "
                "the service account a role (Pod Identity or IRSA); elsewhere set AWS_PROFILE or AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY, and AWS_REGION or --region."
            ) from error
        logger.warning(
            "AWS STS did not tell who the operator is (%s: %s). Going on; resources will show if SageMaker answers.",
            error.code,
            error.message,
        )
        return
    logger.info("Working as %s in account %s, region %s.", identity.arn, identity.account, cloud.region)
