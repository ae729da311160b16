"""What is asked before anything starts: an operator that cannot work says so within seconds."""

import logging

from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.aws.regions import unknown_region
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
        kinds=settings.kinds,
        nodes=settings.node_health,
        namespace=settings.lease.namespace or own_namespace(),
        metrics_auth=settings.metrics_auth,
    )
    problems = await preflight.check(api, namespaces=settings.namespaces, duties=duties)
    missing = await preflight.missing_namespaces(api, settings.namespaces) if settings.namespaces else ()
    if problems:
        raise StartError("\n".join(str(problem) for problem in (*missing, *problems)))
    for problem in missing:
        # No reason to end: others are served, and a namespace may come later.
        logger.warning("At start: %s", problem)


def check_regions(cloud: AwsCloud, settings: Settings) -> None:
    """A mistyped Region looks like an account without clusters: it ends the start, before anything is believed."""
    problems = [unknown_region(name) for name in sorted({cloud.region, *settings.allowed_regions} - {""})]
    said = "\n".join(problem for problem in problems if problem is not None)
    if not said:
        return
    if not settings.allow_unknown_region:
        raise StartError(
            f"{said} Correct --region (or AWS_REGION) and --allowed-region. A Region that is newer than this version "
            "is accepted with --allow-unknown-region."
        )
    logger.warning("%s The operator uses it, because of --allow-unknown-region.", said)


def say_endpoints(cloud: AwsCloud) -> None:
    """Endpoints other than AWS's are for tests and for VPC endpoints; a forgotten one must not go unnoticed."""
    services: dict[str, list[str]] = {}
    for service, url in cloud.overridden_endpoints().items():
        services.setdefault(url, []).append(service)
    for url, named in services.items():
        variable = named[0].upper().replace("-", "_") if len(named) == 1 else "<SERVICE>"
        logger.warning(
            "Calls to %s go to %s instead of AWS's own endpoint: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_%s or endpoint_url "
            "of the AWS configuration file says so. That endpoint decides what exists for this operator. If "
            "this is not intended, remove it, or set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true.",
            *(", ".join(named), url, variable),
        )


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
            "AWS STS did not return the operator's identity (%s: %s). The operator continues; resources show whether "
            "SageMaker responds.",
            error.code,
            error.message,
        )
        return
    logger.info("Working as %s in account %s, region %s.", identity.arn, identity.account, cloud.region)
