"""Kubernetes operator for Amazon SageMaker HyperPod clusters on Amazon EKS."""

__version__ = "0.1.0"
