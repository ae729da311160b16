"""JSON 1.1: the operation in a header, everything else in one JSON document."""

import json

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import JSON_TYPE, Reply, Request


class JsonProtocol:
    """JSON 1.1 of a service whose operations come after `prefix` in X-Amz-Target."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def operation(self, request: Request) -> str:
        prefix, _, name = request.headers.get("X-Amz-Target", "").partition(".")
        return name if prefix == self._prefix else ""

    def parameters(self, _name: str, request: Request) -> JSON:
        try:
            found = json.loads(request.body or b"{}")
        except ValueError:
            raise AwsError("SerializationException", "The request body is not valid JSON.") from None
        if not isinstance(found, dict):
            raise AwsError("SerializationException", "The request body must be a JSON object.")
        return found

    def success(self, _name: str, answer: JSON, _request_id: str) -> Reply:
        return Reply(200, JSON_TYPE, json.dumps(answer).encode())

    def failure(self, error: AwsError, _request_id: str) -> Reply:
        """Both spellings of the message, as services send either."""
        body = {"__type": error.code, "message": error.message, "Message": error.message}
        return Reply(error.status, JSON_TYPE, json.dumps(body).encode())
