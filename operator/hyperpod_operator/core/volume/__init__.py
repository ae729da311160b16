"""Decisions about an EBSVolumeClaim: what to do next with one EBS volume, and what to say about it."""
