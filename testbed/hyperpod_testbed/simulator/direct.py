"""botocore's requests to simulators of the same process, handed over without a connection.

What botocore makes of a call (model, signature, retries, parsing) and what the simulator answers are as over HTTP, byte
for byte. Only the socket and the two HTTP stacks at its ends are left out, which cost more than the answer.
"""

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from multidict import CIMultiDict
from urllib3 import HTTPResponse

from hyperpod_testbed.simulator.api import ConnectionDroppedError, new_request_id
from hyperpod_testbed.simulator.simulator import Simulator
from hyperpod_testbed.simulator.wire import Request

Send = Callable[[AWSPreparedRequest], AWSResponse | None]


class Direct:
    """Hands requests to the simulators that were announced. Others go over HTTP, and so do faults of a connection."""

    def __init__(self) -> None:
        self._simulators: Mapping[str, Simulator] = MappingProxyType({})

    def serve(self, simulator: Simulator) -> None:
        """Take requests to this simulator, which was started."""
        self._simulators = MappingProxyType({**self._simulators, urlsplit(simulator.url).netloc: simulator})

    def take(self, client: Any) -> None:
        """From here on the requests of this botocore client are handed over, too."""
        client.meta.events.register("before-send", lambda request, **_: self.send(request, over_http=_by_botocore))

    def send(self, request: AWSPreparedRequest, *, over_http: Send) -> AWSResponse | None:
        """The answer to a request; raises ConnectionClosedError where a fault takes the connection.

        A fault that makes the client wait needs its own time limit, and with it a connection.
        """
        target = urlsplit(request.url)
        simulator = self._simulators.get(target.netloc)
        if simulator is None or not simulator.listening or simulator.faults.of_the_connection():
            return over_http(request)
        asked = Request(request.method, target.path or "/", target.query, _texts(request.headers), _bytes(request.body))
        request_id = new_request_id()
        try:
            reply = simulator.answer(asked, request_id=request_id)
        except ConnectionDroppedError as error:
            raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        raw = HTTPResponse(
            body=io.BytesIO(b"" if request.method == "HEAD" else reply.body),
            headers={"Content-Length": str(len(reply.body)), **reply.sent(request_id=request_id)},
            status=reply.status,
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )
        answer = AWSResponse(request.url, reply.status, raw.headers, raw)
        if not request.stream_output:
            answer.content  # noqa: B018  (read now, as botocore's own session does)
        return answer


def _by_botocore(_: AWSPreparedRequest) -> None:
    """Nothing from a handler of `before-send`: botocore sends the request itself."""


def _texts(headers: Mapping[str, str | bytes]) -> CIMultiDict[str]:
    return CIMultiDict((name, value.decode() if isinstance(value, bytes) else value) for name, value in headers.items())


def _bytes(body: str | bytes | bytearray | BinaryIO | None) -> bytes:
    if body is None or isinstance(body, str | bytes | bytearray):
        return body.encode() if isinstance(body, str) else bytes(body or b"")
    return body.read()
