"""A rig for each test, with AWS's variables pointing at its simulator and no socket in between.

Nothing checks the signature of a request here, and making one is a tenth of what a call costs.
"""

import functools
from collections.abc import Callable, Iterator

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import URLLib3Session
from tests.unit.controllers.rig import Rig

from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.simulator.direct import Direct

MakeSimulator = Callable[..., Simulator]


def say_who(auth: SigV4Auth, request: AWSRequest) -> None:
    """What the simulator reads of a signature: whose it is, and for which service and Region."""
    if auth.credentials is None:
        raise NoCredentialsError
    scope = f"{auth.credentials.access_key}/20270115/{auth._region_name}/{auth._service_name}/aws4_request"
    del request.headers["Authorization"]
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"


@pytest.fixture
def make_simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSimulator]:
    """A started simulator with these options and a clock that only the test moves; the last one made is AWS."""
    made: list[Simulator] = []
    direct, over_http = Direct(), URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse | None:
        return direct.send(request, over_http=functools.partial(over_http, session))

    def make(**options: object) -> Simulator:
        simulator = Simulator(account="111122223333", speed=0, options=Options(**options)).start()  # type: ignore[arg-type]
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        direct.serve(simulator)
        made.append(simulator)
        return simulator

    monkeypatch.setattr(URLLib3Session, "send", send)
    monkeypatch.setattr(SigV4Auth, "add_auth", say_who)
    yield make
    for simulator in made:
        simulator.stop()
        assert not simulator.core.broken_responses


@pytest.fixture
def make_rig(make_simulator: MakeSimulator) -> Iterator[Callable[..., Rig]]:
    """A rig whose simulator has these options."""
    made: list[Rig] = []

    def make(**options: object) -> Rig:
        made.append(Rig(make_simulator(**options)))
        return made[-1]

    yield make
    for rig in made:
        rig.cloud.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
