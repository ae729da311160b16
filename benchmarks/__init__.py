"""What this operator promises in figures, and the harness that measures them (docs/benchmarks.md)."""
