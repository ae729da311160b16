"""What can go wrong with a measurement, in one word."""


class BenchmarkError(RuntimeError):
    """Something that a measurement waits for did not come; the message says what, and where to look."""
