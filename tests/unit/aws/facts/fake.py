"""AWS as a table of answers: real service models, no HTTP."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError, OperationNotPageableError

from hyperpod_operator.aws.call.caller import Purpose
from hyperpod_operator.aws.call.classify import classify

Answer = Mapping[str, Any] | Exception | Callable[..., Any]


@cache
def _real(service: str) -> Any:
    return boto3.client(service, region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="y")


def refusal(code: str, message: str = "no", status: int = 400) -> ClientError:
    """An error as botocore raises it."""
    details = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(details, "Operation")  # type: ignore[arg-type]


class FakeClient:
    """A client of one service, whose operations answer from the table."""

    def __init__(self, service: str, aws: "FakeAws") -> None:
        self.meta = _real(service).meta
        self._service = service
        self._aws = aws

    def get_paginator(self, method: str) -> Any:
        pages = self._aws.pages.get(method)
        if pages is None:
            raise OperationNotPageableError(operation_name=method)
        client = self

        class Paginator:
            def paginate(self, **parameters: Any) -> Any:
                client._aws.calls.append((client._service, method, parameters))
                return iter(pages)

        return Paginator()

    def __getattr__(self, method: str) -> Any:
        operation = self.meta.method_to_api_mapping[method]

        def call(**parameters: Any) -> Any:
            self._aws.calls.append((self._service, operation, parameters))
            answer = self._aws.answers.get(operation)
            if answer is None:
                raise refusal("AccessDeniedException", f"not authorized to perform {operation}", 403)
            if isinstance(answer, Exception):
                raise answer
            return answer(**parameters) if callable(answer) else answer

        return call


class FakeCaller:
    """What `Caller.read` does, without threads and pace."""

    def __init__(self, service: str, aws: "FakeAws") -> None:
        self._service = service
        self._client = FakeClient(service, aws)

    async def model(self) -> Any:
        return self._client.meta.service_model

    async def read(self, operation: str, call: Callable[[Any], Any], *, target: str, purpose: Purpose) -> Any:
        assert purpose is Purpose.CHECK, f"a denial of {operation} would raise an alarm"
        del target
        try:
            return call(self._client)
        except Exception as error:
            raise classify(error, operation=operation, mutating=False, service=self._service) from error


class FakeAws:
    """`answers` by operation: an answer, an error, or a function of the parameters. What is left out is denied."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.answers: dict[str, Answer] = dict(answers or {})
        self.pages: dict[str, list[Mapping[str, Any]]] = {}
        self.calls: list[tuple[str, str, Mapping[str, Any]]] = []

    def caller(self, service: str) -> Any:
        return FakeCaller(service, self)
