"""Metrics of calls to AWS."""

from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram, P

SECTION = "Does AWS respond?"

AWS_CALLS = Counter(
    section=SECTION,
    name=P + "aws_calls_total",
    labels=("operation", "code", "purpose"),
    unit="calls",
    help="Calls to AWS APIs, by operation, result (OK or AWS's error code; of EC2 or IAM where SageMaker passes their "
    "refusal on) and purpose (Reconcile or Check).",
    read="`Check` is for reads of preflight, prices and training plans, without which nothing waits. A code that says "
    "denied means IAM, one that says throttled means that the account's rate limit is used up",
)
AWS_SECONDS = Histogram(
    section=SECTION,
    name=P + "aws_call_duration_seconds",
    labels=("operation",),
    unit="seconds",
    help="Duration of a call to an AWS API, own retries included.",
    read="Slow calls make slow passes",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
AWS_LIMIT = Gauge(
    section=SECTION,
    name=P + "aws_calls_limit",
    labels=("calls",),
    unit="calls per second",
    help="Sustained rate limit of calls per second (reads, writes) for each AWS service and Region; 0: none.",
    read="The rate of `hyperpod_operator_aws_calls_total` near it means that passes wait for their turn",
)
