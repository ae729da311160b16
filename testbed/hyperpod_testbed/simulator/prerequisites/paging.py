"""Pages of the services around HyperPod, with their own sizes and names."""

from typing import Any

from hyperpod_testbed.simulator import pages
from hyperpod_testbed.simulator.pages import Style
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON

EKS = Style(size="maxResults", token="nextToken")
IAM = Style(size="MaxItems", token="Marker")
KMS = Style(size="Limit", token="Marker")
S3 = Style(size="MaxKeys", token="ContinuationToken")


def page(
    sim: Simulation, items: list[Any], request: JSON, *, operation: str, size: int = 100, style: Style = pages.AWS
) -> tuple[list[Any], str | None]:
    """The page that a request asks for, and the token of the next; `size` where the request does not say."""
    return pages.page(items, request, operation=operation, default_size=size, style=style, most=sim.options.page_limit)


def iam(token: str | None) -> JSON:
    """How IAM says whether there is more."""
    return {"IsTruncated": True, "Marker": token} if token else {"IsTruncated": False}
