"""The simulator's controls from another process, with the same methods as in its own."""

import json
import types
import urllib.error
import urllib.request
from typing import Any, cast

from hyperpod_testbed.simulator import codec
from hyperpod_testbed.simulator.access import Access
from hyperpod_testbed.simulator.calls import CallLog
from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.control import PREFIX
from hyperpod_testbed.simulator.core import Settings
from hyperpod_testbed.simulator.ebs.scripts import Ebs
from hyperpod_testbed.simulator.faults import Faults
from hyperpod_testbed.simulator.health import Health
from hyperpod_testbed.simulator.nodes import NodeBringer
from hyperpod_testbed.simulator.prerequisites.control import Prerequisites
from hyperpod_testbed.simulator.state import DEFAULT_REGION
from hyperpod_testbed.simulator.verbs import is_verb
from hyperpod_testbed.simulator.world import World

ENDPOINTS = ("SAGEMAKER", "EC2", "STS", "EKS", "IAM", "SERVICE_QUOTAS", "S3", "KMS", "PRICING", "FSX")
"""The services that the simulator answers, as the variables for their endpoints name them."""
TIMEOUT = 30.0
"""Real seconds for one control call."""


class SimulatorUnreachableError(ConnectionError):
    """No simulator answers at the address."""


class _Remote:
    """An object of the simulator: its verbs go over HTTP, its other methods run here and use the verbs."""

    def __init__(self, url: str, name: str, kind: type) -> None:
        self._url = url
        self._name = name
        self._kind = kind

    def __getattr__(self, member: str) -> Any:
        method = getattr(self._kind, member)
        if not is_verb(method):
            return types.MethodType(method, self)

        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = codec.bound(method, *args, **kwargs)
            answer = _post(f"{self._url}{PREFIX}{self._name}.{member}", arguments)
            return codec.decode_result(method, answer)

        return call


class SimulatorClient:
    """What `Simulator` offers, for a simulator that runs elsewhere."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.log = cast(CallLog, _Remote(self.url, "log", CallLog))
        self.faults = cast(Faults, _Remote(self.url, "faults", Faults))
        self.clock = cast(SimulatedClock, _Remote(self.url, "clock", SimulatedClock))
        self.world = cast(World, _Remote(self.url, "world", World))
        self.access = cast(Access, _Remote(self.url, "access", Access))
        self.settings = cast(Settings, _Remote(self.url, "settings", Settings))
        self.health = cast(Health, _Remote(self.url, "health", Health))
        self.ebs = cast(Ebs, _Remote(self.url, "ebs", Ebs))
        self.prerequisites = cast(Prerequisites, _Remote(self.url, "prerequisites", Prerequisites))
        self.nodes = cast(NodeBringer, _Remote(self.url, "nodes", NodeBringer))

    def environment(self, *, region: str = DEFAULT_REGION) -> dict[str, str]:
        """The environment variables that bring a process with boto3 to this simulator and nowhere else."""
        return environment(self.url, region=region)


def environment(url: str, *, region: str) -> dict[str, str]:
    """The environment variables that bring a process with boto3 to the simulator at an address."""
    return {
        **{f"AWS_ENDPOINT_URL_{name}": url for name in ENDPOINTS},
        "AWS_ACCESS_KEY_ID": "TESTBED",
        "AWS_SECRET_ACCESS_KEY": "testbed",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _post(url: str, arguments: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url, data=json.dumps(arguments).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        with error:
            message = json.load(error)["error"]
        raise ValueError(message) from None
    except urllib.error.URLError as error:
        raise SimulatorUnreachableError(f"no simulator answers at {url}: {error.reason}. Is it running?") from error
