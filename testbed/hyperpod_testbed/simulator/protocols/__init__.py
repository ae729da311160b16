"""The protocols that AWS's services speak, read from and written by botocore's model of the service.

`json_rpc` is JSON 1.1 (SageMaker, Service Quotas, KMS, Price List, FSx), `forms` the query protocol (IAM, STS) and
EC2's dialect of it, `rest` what EKS and S3 speak. None of them knows an operation.
"""

from typing import Protocol as Interface

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import Reply, Request


class Protocol(Interface):
    """From the bytes of a request to what it asks for, and from an answer to bytes."""

    def operation(self, request: Request, /) -> str:
        """The operation that a request names; empty when it names none that the service has."""

    def parameters(self, name: str, request: Request, /) -> JSON:
        """The parameters of a request, with the types of the model; blobs and times as in answers."""

    def success(self, name: str, answer: JSON, request_id: str, /) -> Reply:
        """An answer: members of the output shape, times as seconds since the epoch, blobs as bytes."""

    def failure(self, error: AwsError, request_id: str, /) -> Reply:
        """An error as the service shapes it."""
