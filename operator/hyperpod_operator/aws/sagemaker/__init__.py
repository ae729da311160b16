"""SageMaker's HyperPod operations, and the way from its members to those of the spec."""
