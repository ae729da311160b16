"""Whether the environment sends our calls elsewhere than to AWS.

botocore takes endpoints from AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and from `endpoint_url` of the configuration
file ("Service-specific endpoints", AWS SDKs and Tools Reference). Who answers there sees our requests and decides
what we believe to exist, so it is said at every start.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from botocore.utils import ensure_boolean

SERVICES = ("sagemaker", "ec2", "sts", "eks", "iam", "service-quotas", "s3", "kms", "fsx", "pricing")
"""Every service that the operator calls, by botocore's name."""


def overridden(session: Session) -> Mapping[str, str]:
    """The services whose endpoint is configured, with its URL (without credentials that somebody put into it)."""
    try:
        if ensure_boolean(session.get_config_variable("ignore_configured_endpoint_urls")):
            return {}
        scoped, full = session.get_scoped_config(), session.full_config
    except BotoCoreError:  # a profile that does not exist: connecting says so
        scoped, full = {}, {}
    found = {
        name: ConfiguredEndpointProvider(full_config=full, scoped_config=scoped, client_name=name).provide()
        for name in SERVICES
    }
    return {name: _without_user(url) for name, url in found.items() if url}


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
