"""Request rates of an account: a token bucket per service and region, one for reading and one for writing."""

import time

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.options import Options


class Throttle:
    """Counts in real seconds: what is throttled is the client's real rate. The caller holds the lock."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, bool], tuple[float, float]] = {}

    def take(self, region: str, *, service: str = "sagemaker", mutating: bool, options: Options) -> None:
        """Let one call through, or answer `Rate exceeded`."""
        rate, burst = (options.write_rate, options.write_burst) if mutating else (options.read_rate, options.read_burst)
        now = time.monotonic()
        tokens, since = self._buckets.get((service, region, mutating), (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        enough = tokens >= 1
        self._buckets[service, region, mutating] = (tokens - 1 if enough else tokens, now)
        if not enough:
            raise rate_exceeded(options)


def rate_exceeded(options: Options) -> AwsError:
    """The error of a throttled call: HTTP 400."""
    return AwsError(options.throttling_code, "Rate exceeded")
